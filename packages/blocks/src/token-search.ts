/** So many pieces from `old` on in the one text are those from `next` on in the other. */
export interface TokenMatch {
  readonly old: number
  readonly next: number
  readonly length: number
}

/**
 * Differences that the search looks for before the text is cut into smaller pieces. Its trace grows with the square, to a
 * third of a megabyte at 400, and more of a text than that changed is a rewrite, where single words matter less.
 */
const DIFFERENCES_MAX = 400

/**
 * Comparisons for each piece of the two texts before it is called too far off. Texts of words take about two; texts that
 * repeat themselves with differences strewn in take hundreds, since the search then walks far on many diagonals.
 */
const STEPS_PER_TOKEN = 8
/** A short text may be searched further: this is half of all there is to compare between 100 words and 100 others. */
const STEPS_LEAST = 5_000

/** How much one diff may still compare; counts down. */
export interface Steps {
  left: number
}

/**
 * Myers' greedy search (An O(ND) Difference Algorithm and Its Variations, 1986): `reach[k]` is how far into `old` the best
 * path of d differences gets on diagonal k. Undefined when that takes more than {@link DIFFERENCES_MAX} differences, more
 * than {@link STEPS_PER_TOKEN} comparisons for each piece, or more than half the steps that are left.
 */
export function searchMatches(old: readonly string[], next: readonly string[], steps: Steps): TokenMatch[] | undefined {
  const most = Math.min(DIFFERENCES_MAX, old.length + next.length)
  const offset = most + 1
  const reach = new Int32Array(2 * offset + 1)
  const trace: Int32Array[] = []
  // Half of what is left, so that the pieces a text is cut into have some, too.
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
