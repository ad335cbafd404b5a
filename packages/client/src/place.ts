/** Field of a block that says where it stands. Without it a block stands where its id says: made later, listed later. */
export const PLACE_FIELD = 'place'

/** A place is a text; blocks stand in the code unit order of their places. Printable ASCII is what new places are made of. */
const LOWEST = 0x21
const HIGHEST = 0x7e
/** Two who put something into one gap at once get places that differ, but once in some thousand times. */
const RANDOM_LENGTH = 2

/**
 * A place after `after` and before `before`; undefined for either means the beginning or the end. Where two ids leave no room
 * (`a`, `a!`), it is right after `after`.
 *
 * @param random 0 to 1, as `Math.random`
 */
export function placeBetween(after: string | undefined, before: string | undefined, random: () => number): string {
  const low = after ?? ''
  // Once a digit below that of `before` was taken, there is no bound from above any more.
  let high = before
  let place = ''
  for (let at = 0; ; at += 1) {
    if (high !== undefined && at >= high.length) return ended(low, random)
    // Behind its last digit a place goes on as if with one below all.
    const from = at < low.length ? low.charCodeAt(at) : LOWEST - 1
    const to = high === undefined ? HIGHEST + 1 : high.charCodeAt(at)
    const middle = (Math.max(from, LOWEST - 1) + Math.min(to, HIGHEST + 1)) >> 1
    // Nothing fits before a place that ends with the lowest digit, so none is made to.
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
