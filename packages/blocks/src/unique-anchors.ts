import type { TokenMatch } from './token-search.ts'

/** Greatest number of pieces of a text that are looked up; a Map of so many takes about 20 ms. It covers all lines of 400,000 characters. */
const TOKENS_MAX = 100_000

/**
 * Finds the pieces that occur once in each of two texts, as many as stand in the same order in both. These pieces align texts
 * that differ too much to be searched (Bram Cohen's patience diff). Sorted as in the texts; empty where a text has more than
 * {@link TOKENS_MAX} pieces.
 */
export function uniqueAnchors(old: readonly string[], next: readonly string[]): TokenMatch[] {
  if (Math.max(old.length, next.length) > TOKENS_MAX) return []
  const inNext = placesIn(next)
  /** For each length of a run, the match with the least `next` that ends such a run; and for each match the one before it. */
  const ends: TokenMatch[] = []
  const follows = new Map<TokenMatch, TokenMatch | undefined>()
  for (const [piece, place] of placesIn(old)) {
    const there = inNext.get(piece)
    if (place === undefined || there === undefined) continue
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ends[middle] as TokenMatch).next < there) low = middle + 1
      else high = middle
    }
    const match = { old: place, next: there, length: 1 }
    follows.set(match, ends[low - 1])
    ends[low] = match
  }
  const run: TokenMatch[] = []
  for (let match = ends.at(-1); match !== undefined; match = follows.get(match)) run.push(match)
  return run.reverse()
}

/** The position of each piece, in the order of the text; undefined for a piece that occurs more than once. */
function placesIn(pieces: readonly string[]): Map<string, number | undefined> {
  const places = new Map<string, number | undefined>()
  for (const [at, piece] of pieces.entries()) places.set(piece, places.has(piece) ? undefined : at)
  return places
}
