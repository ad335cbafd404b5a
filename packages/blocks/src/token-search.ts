/** A run of equal pieces: it begins at `old` in the one text and at `next` in the other. */
export interface TokenMatch {
  readonly old: number
  readonly next: number
  readonly length: number
}

/**
 * Greatest number of differences that the search looks for. Beyond it, the text is cut into smaller pieces. The search's trace
 * grows with the square, to a third of a megabyte at 400. A text with more differences is a rewrite, where single words matter
 * less.
 */
const DIFFERENCES_MAX = 400

/**
 * Greatest number of comparisons for each piece of the two texts. Beyond it, the texts count as too different. Texts of words take
 * about two. Repetitive texts with scattered differences take hundreds, since the search then walks far on many diagonals.
 */
const STEPS_PER_TOKEN = 8
/** Number of comparisons that a short text may take all the same: half of all between 100 words and 100 others. */
const STEPS_LEAST = 5_000

/** Number of comparisons that one diff may still make; counts down. */
export interface Steps {
  left: number
}

/**
 * Myers' greedy search (An O(ND) Difference Algorithm and Its Variations, 1986). `reach[k]` is how far into `old` the best path of
 * d differences gets on diagonal k. Returns undefined when the search takes more than {@link DIFFERENCES_MAX} differences, more
 * than {@link STEPS_PER_TOKEN} comparisons for each piece, or more than half of the steps that are left.
 */
export function searchMatches(old: readonly string[], next: readonly string[], steps: Steps): TokenMatch[] | undefined {
  const most = Math.min(DIFFERENCES_MAX, old.length + next.length)
  const offset = most + 1
  const reach = new Int32Array(2 * offset + 1)
  const trace: Int32Array[] = []
  // Half of the steps that are left, so that the pieces that a text is cut into have some, too.
  const end = steps.left - Math.min(STEPS_LEAST + STEPS_PER_TOKEN * (old.length + next.length), steps.left / 2)
  for (let d = 0; d <= most; d++) {
    trace.push(reach.slice(offset - d - 1, offset + d + 2))
    for (let k = -d; k <= d; k += 2) {
      const start = isDown(reach, offset, k, d) ? at(reach, offset + k + 1) : at(reach, offset + k - 1) + 1
      let x = start
      while (x < old.length && x - k < next.length && old[x] === next[x - k]) x++
      steps.left -= 1 + x - start
      reach[offset + k] = x
      if (x >= old.length && x - k >= next.length) return collectMatches(trace, old.length, next.length)
      if (steps.left < end) return undefined
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

/** Walks the trace back from the end. */
function collectMatches(trace: readonly Int32Array[], oldCount: number, newCount: number): TokenMatch[] {
  const matches: TokenMatch[] = []
  let x = oldCount
  let y = newCount
  for (let d = trace.length - 1; d >= 0; d--) {
    const reach = trace[d] ?? new Int32Array(0)
    const k = x - y
    const down = isDown(reach, d + 1, k, d)
    const from = d === 0 ? 0 : at(reach, d + 1 + (down ? k + 1 : k - 1))
    const start = down ? from : from + 1
    if (x > start) matches.push({ old: start, next: start - k, length: x - start })
    x = from
    y = from - (down ? k + 1 : k - 1)
  }
  return matches.reverse()
}
