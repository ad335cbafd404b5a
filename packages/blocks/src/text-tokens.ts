/**
 * A text cut into pieces: piece i reaches from `starts[i]` to `starts[i + 1]`, and equal pieces have equal hashes. Numbers
 * rather than strings, since half a million pieces as strings take longer to make and look up than the whole search.
 */
export interface Tokens {
  readonly count: number
  /** One more than there are pieces; the last is the text's length. */
  readonly starts: Int32Array
  readonly hashes: Int32Array
}

const WORD = 1
const SPACE = 2
const SIGN = 3
const IS_WORD = /[\p{L}\p{N}\p{M}_]/u
const IS_SPACE = /\s/
const LINE_FEED = 10

/** What each code unit is, 0 until somebody asks: an expression for each of a long text's would be most of the work. */
const kinds = new Uint8Array(0x10000)

function kindOf(unit: number): number {
  const known = kinds[unit]
  if (known !== undefined && known !== 0) return known
  const sign = String.fromCharCode(unit)
  const kind = IS_WORD.test(sign) ? WORD : IS_SPACE.test(sign) ? SPACE : SIGN
  kinds[unit] = kind
  return kind
}

/** Words, runs of spaces, and single signs. A surrogate pair is one sign, whatever it means. */
export function wordsOf(text: string): Tokens {
  return cut(text, (at) => {
    const kind = kindOf(text.charCodeAt(at))
    if (kind === SIGN) return at + (isPairAt(text, at) ? 2 : 1)
    let end = at + 1
    while (end < text.length && kindOf(text.charCodeAt(end)) === kind) end++
    return end
  })
}

/** Lines, each with the line feed at its end. */
export function linesOf(text: string): Tokens {
  return cut(text, (at) => {
    let end = at
    while (end < text.length && text.charCodeAt(end) !== LINE_FEED) end++
    return Math.min(end + 1, text.length)
  })
}

export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

export function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

function isPairAt(text: string, at: number): boolean {
  return isHighSurrogate(text.charCodeAt(at)) && isLowSurrogate(text.charCodeAt(at + 1))
}

function cut(text: string, endOf: (at: number) => number): Tokens {
  const starts = new Int32Array(text.length + 1)
  const hashes = new Int32Array(text.length)
  let count = 0
  for (let at = 0; at < text.length; count++) {
    starts[count] = at
    const end = endOf(at)
    // FNV-1a. Who finds two pieces with one hash makes a diff coarser, and no more: what is kept is compared as text.
    let hash = 0x811c9dc5
    for (; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    hashes[count] = hash
  }
  starts[count] = text.length
  return { count, starts: starts.subarray(0, count + 1), hashes: hashes.subarray(0, count) }
}
