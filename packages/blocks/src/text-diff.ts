/** At `index` of the old text, `remove` code units go and `insert` comes. Indexes are those of the old text, ascending. */
export interface TextEdit {
  readonly index: number
  readonly remove: number
  readonly insert: string
}

/**
 * Differences that the search looks for before it settles for coarser pieces. Its cost grows with the square: 400 is a
 * few milliseconds, and more of a text than that changed is a rewrite, where single words matter less.
 */
const DIFFERENCES_MAX = 400

/** From fine to coarse: words, spaces and single signs; then lines. `u` keeps surrogate pairs whole. */
const TOKENS = [/[\p{L}\p{N}\p{M}_]+|\s+|./gsu, /[^\n]*\n|[^\n]+/gu]

/**
 * The edits that turn `before` into `after`, by common ends first and Myers' greedy search over words (then lines) on
 * the middle. Never splits a surrogate pair. Words rather than letters, so that an edit reads as what somebody did.
 */
export function diffText(before: string, after: string): TextEdit[] {
  if (before === after) return []
  const head = commonHead(before, after)
  const tail = commonTail(before, after, head)
  const middle = { old: before.slice(head, before.length - tail), new: after.slice(head, after.length - tail) }
  if (middle.old === '' || middle.new === '') return [{ index: head, remove: middle.old.length, insert: middle.new }]
  for (const token of TOKENS) {
    const edits = diffTokens(middle.old.match(token) ?? [], middle.new.match(token) ?? [])
    if (edits !== undefined) return edits.map((edit) => trimmed(edit, middle.old, head))
  }
  return [{ index: head, remove: middle.old.length, insert: middle.new }]
}

/** Applies edits to a string: what a text holds after them. */
export function applyEdits(before: string, edits: readonly TextEdit[]): string {
  let text = before
  for (const { index, remove, insert } of [...edits].reverse()) {
    text = text.slice(0, index) + insert + text.slice(index + remove)
  }
  return text
}

/** Narrows an edit found on whole tokens to the code units that differ, and moves it to its place in the whole text. */
function trimmed(edit: TextEdit, old: string, offset: number): TextEdit {
  const removed = old.slice(edit.index, edit.index + edit.remove)
  const head = commonHead(removed, edit.insert)
  const tail = commonTail(removed, edit.insert, head)
  return {
    index: offset + edit.index + head,
    remove: removed.length - head - tail,
    insert: edit.insert.slice(head, edit.insert.length - tail),
  }
}

function commonHead(a: string, b: string): number {
  const max = Math.min(a.length, b.length)
  let length = 0
  while (length < max && a.charCodeAt(length) === b.charCodeAt(length)) length++
  // Both sides agree up to here; stepping back off a high surrogate keeps the pair in the part that differs.
  return length > 0 && isHighSurrogate(a.charCodeAt(length - 1)) ? length - 1 : length
}

function commonTail(a: string, b: string, head: number): number {
  const max = Math.min(a.length, b.length) - head
  let length = 0
  while (length < max && a.charCodeAt(a.length - 1 - length) === b.charCodeAt(b.length - 1 - length)) length++
  return length > 0 && isLowSurrogate(a.charCodeAt(a.length - length)) ? length - 1 : length
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

/**
 * Myers' greedy O(ND) search (An O(ND) Difference Algorithm and Its Variations, 1986): `reach[k]` is how far into `old`
 * the best path of d differences gets on diagonal k. Undefined when more than {@link DIFFERENCES_MAX} are needed.
 */
function diffTokens(old: readonly string[], next: readonly string[]): TextEdit[] | undefined {
  const offset = DIFFERENCES_MAX + 1
  const reach = new Int32Array(2 * offset + 1)
  const trace: Int32Array[] = []
  for (let d = 0; d <= DIFFERENCES_MAX; d++) {
    trace.push(reach.slice(offset - d - 1, offset + d + 2))
    for (let k = -d; k <= d; k += 2) {
      let x = isDown(reach, offset, k, d) ? at(reach, offset + k + 1) : at(reach, offset + k - 1) + 1
      while (x < old.length && x - k < next.length && old[x] === next[x - k]) x++
      reach[offset + k] = x
      if (x >= old.length && x - k >= next.length) return collectEdits(trace, old, next)
    }
  }
  return undefined
}

function isDown(reach: Int32Array, offset: number, k: number, d: number): boolean {
  return k === -d || (k !== d && at(reach, offset + k - 1) < at(reach, offset + k + 1))
}

function at(array: Int32Array, index: number): number {
  return array[index] ?? 0
}

/** Walks the trace back from the end and joins neighbouring insertions and removals into edits. */
function collectEdits(trace: readonly Int32Array[], old: readonly string[], next: readonly string[]): TextEdit[] {
  const isRemoved = new Uint8Array(old.length)
  const isInserted = new Uint8Array(next.length)
  let x = old.length
  let y = next.length
  for (let d = trace.length - 1; d > 0; d--) {
    const reach = trace[d] ?? new Int32Array(0)
    const k = x - y
    const down = isDown(reach, d + 1, k, d)
    const startX = at(reach, d + 1 + (down ? k + 1 : k - 1))
    const startY = startX - (down ? k + 1 : k - 1)
    if (down) isInserted[startY] = 1
    else isRemoved[startX] = 1
    x = startX
    y = startY
  }
  const edits: TextEdit[] = []
  let index = 0
  for (let i = 0, j = 0; i < old.length || j < next.length; ) {
    let remove = 0
    let insert = ''
    while (isRemoved[i] === 1) remove += old[i++]?.length ?? 0
    while (isInserted[j] === 1) insert += next[j++] ?? ''
    if (remove > 0 || insert !== '') edits.push({ index, remove, insert })
    index += remove
    if (isRemoved[i] === 1 || isInserted[j] === 1) continue
    index += old[i]?.length ?? 0
    i++
    j++
  }
  return edits
}
