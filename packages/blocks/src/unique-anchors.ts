import type { Tokens } from './text-tokens.ts'
import type { TokenMatch } from './token-search.ts'

/** Pieces of a text that are looked up: a Map of them takes some 20 ms. Of 400,000 characters they are all lines. */
const TOKENS_MAX = 100_000

/**
 * Pieces that occur once in each of two texts, as many as stand in the same order in both: what holds two texts together
 * that are too far apart to be searched (Bram Cohen's patience diff). In the order of the texts; none where a text has
 * more than {@link TOKENS_MAX} pieces.
 */
export function uniqueAnchors(old: Tokens, next: Tokens): TokenMatch[] {
  if (Math.max(old.count, next.count) > TOKENS_MAX) return []
  const inNext = placesIn(next)
  /** The match with the least `next` that ends a run of each length, and before each match the one it follows. */
  const ends: TokenMatch[] = []
  const follows = new Map<TokenMatch, TokenMatch | undefined>()
  for (const [hash, place] of placesIn(old)) {
    const there = inNext.get(hash)
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
function placesIn({ count, hashes }: Tokens): Map<number, number | undefined> {
  const places = new Map<number, number | undefined>()
  for (let at = 0; at < count; at++) {
    const hash = hashes[at] ?? 0
    places.set(hash, places.has(hash) ? undefined : at)
  }
  return places
}
