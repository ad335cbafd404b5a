/** Gives uniform numbers in [0, 1). The same seed gives the same numbers (mulberry32, 32 bits of state). */
export type Random = () => number

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number in [0, bound). */
export function randomBelow(random: Random, bound: number): number {
  return Math.floor(random() * bound)
}

/**
 * The seed of this run: `JOINERY_SEED` when set, else a new one. Tests print it or put it into the failure
 * message, so that a failing run can be repeated.
 */
export function runSeed(): number {
  const given = process.env.JOINERY_SEED
  if (given === undefined) return Math.floor(Math.random() * 2 ** 32)
  const seed = Number(given)
  if (!Number.isInteger(seed) || seed < 0) throw new Error(`JOINERY_SEED must be a whole number from 0, not "${given}"`)
  return seed
}
