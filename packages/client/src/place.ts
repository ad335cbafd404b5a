/** Field of a block that holds its place in the order. A block without it is ordered by its id. */
export const PLACE_FIELD = 'place'

/** Lowest and highest character of a new place: printable ASCII. Places are texts, compared by code units. */
const LOWEST = 0x21
const HIGHEST = 0x7e
/** Random characters at the end of a place: two clients that fill one gap at once get the same place once in 8,600 times. */
const RANDOM_LENGTH = 2

/**
 * Returns a place between `after` and `before`; undefined stands for the beginning or the end. If there is no room between the
 * two (`a`, `a!`), the place is right after `after`.
 *
 * @param random 0 to 1, as `Math.random`
 */
export function placeBetween(after: string | undefined, before: string | undefined, random: () => number): string {
  const low = after ?? ''
  // Undefined once the place is below `before` by an earlier digit: then no upper bound is left.
  let high = before
  let place = ''
  for (let at = 0; ; at += 1) {
    if (high !== undefined && at >= high.length) return ended(low, random)
    // Behind its last digit a place compares as if followed by a digit below all others.
    const from = at < low.length ? low.charCodeAt(at) : LOWEST - 1
    const to = high === undefined ? HIGHEST + 1 : high.charCodeAt(at)
    const middle = (Math.max(from, LOWEST - 1) + Math.min(to, HIGHEST + 1)) >> 1
    // No place may end with the lowest digit: nothing would fit before it.
    if (from < middle && middle < to && middle > LOWEST) return place + String.fromCharCode(middle) + jitter(random)
    if (at < low.length) {
      if (to !== from) high = undefined
      place += low[at]
    } else {
      if (to < LOWEST) return ended(low, random)
      if (to > LOWEST) high = undefined
      place += String.fromCharCode(LOWEST)
    }
  }
}

const ended = (low: string, random: () => number): string => low + jitter(random)

function jitter(random: () => number): string {
  const digit = (): string => String.fromCharCode(LOWEST + 1 + Math.floor(random() * (HIGHEST - LOWEST)))
  return Array.from({ length: RANDOM_LENGTH }, digit).join('')
}
