import type { TokenMatch } from './token-search.ts'

/** Pieces of a text that are looked up: a Map of them takes some 20 ms. Of 400,000 characters they are all lines. */
const TOKENS_MAX = 100_000

/**
 * Pieces that occur once in each of two texts, as many as stand in the same order in both: what holds two texts together
 * that are too far apart to be searched (Bram Cohen's patience diff). In the order of the texts; none where a text has
 * more than {@link TOKENS_MAX} pieces.
 */
export function uniqueAnchors(old: readonly string[], next: readonly string[]): TokenMatch[] {
  if (Math.max(old.length, next.length) > TOKENS_MAX) return []
  const inNext = placesIn(next)
  /** The match with the least `next` that ends a run of each length, and before each match the one it follows. */
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

/** Where each piece stands, in that order; undefined for what stands there more than once. */
function placesIn(pieces: readonly string[]): Map<string, number | undefined> {
  const places = new Map<string, number | undefined>()
  for (const [at, piece] of pieces.entries()) places.set(piece, places.has(piece) ? undefined : at)
  return places
}
