import type { Tokens } from './text-tokens.ts'
import type { TokenMatch } from './token-search.ts'

/**
 * Pieces that occur once in each of two texts, as many as stand in the same order in both: what holds two texts together
 * that are too far apart to be searched (Bram Cohen's patience diff). In the order of the texts.
 */
export function uniqueAnchors(old: Tokens, next: Tokens): TokenMatch[] {
  const [inOld, inNext] = [new UniquePlaces(old), new UniquePlaces(next)]
  const pairs: TokenMatch[] = []
  for (let at = 0; at < old.count; at++) {
    const hash = old.hashes[at] ?? 0
    if (inOld.of(hash) !== at) continue
    const there = inNext.of(hash)
    if (there !== undefined) pairs.push({ old: at, next: there, length: 1 })
  }
  return longestAscending(pairs)
}

const MANY = -1

/** Where the pieces stand that a text has once. A table of numbers: a Map of half a million takes a second. */
class UniquePlaces {
  readonly #hashes: Int32Array
  /** By slot: 1 + the piece's place, {@link MANY}, or 0 where there is none. */
  readonly #slots: Int32Array
  readonly #mask: number

  constructor({ count, hashes }: Tokens) {
    // Half empty at least, so that a slot is found in a step or two.
    this.#mask = 2 ** Math.ceil(Math.log2(2 * count + 1)) - 1
    this.#hashes = new Int32Array(this.#mask + 1)
    this.#slots = new Int32Array(this.#mask + 1)
    for (let at = 0; at < count; at++) {
      const hash = hashes[at] ?? 0
      const slot = this.#slotOf(hash)
      this.#hashes[slot] = hash
      this.#slots[slot] = this.#slots[slot] === 0 ? at + 1 : MANY
    }
  }

  of(hash: number): number | undefined {
    const place = this.#slots[this.#slotOf(hash)] ?? 0
    return place > 0 ? place - 1 : undefined
  }

  #slotOf(hash: number): number {
    let slot = (hash ^ (hash >>> 15)) & this.#mask
    while (this.#slots[slot] !== 0 && this.#hashes[slot] !== hash) slot = (slot + 1) & this.#mask
    return slot
  }
}

/** The most pairs, ascending in `old` already, that ascend in `next` too. */
function longestAscending(pairs: readonly TokenMatch[]): TokenMatch[] {
  /** The pair with the least `next` that ends a run of each length; and before each pair, the one it follows. */
  const ends: number[] = []
  const follows = new Int32Array(pairs.length)
  for (const [index, { next }] of pairs.entries()) {
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((pairs[ends[middle] ?? 0]?.next ?? 0) < next) low = middle + 1
      else high = middle
    }
    follows[index] = ends[low - 1] ?? -1
    ends[low] = index
  }
  const run: TokenMatch[] = []
  for (let index = ends.at(-1) ?? -1; index >= 0; index = follows[index] ?? -1) {
    const pair = pairs[index]
    if (pair !== undefined) run.push(pair)
  }
  return run.reverse()
}
