import type { RichPiece } from './rich-type.ts'

/** The Yjs ids of a sequence. */
export class IdSet {
  /** By client: starts and ends of the runs of clocks, sorted. */
  readonly #runs = new Map<number, [start: number, end: number][]>()

  constructor(pieces: readonly RichPiece[]) {
    for (const { client, clock, length } of pieces) {
      const runs = this.#runs.get(client)
      if (runs === undefined) this.#runs.set(client, [[clock, clock + length]])
      else runs.push([clock, clock + length])
    }
    for (const runs of this.#runs.values()) runs.sort(([a], [b]) => a - b)
  }

  /** Whether the first id of the piece is in the set, and of how many of its ids, from the first on, the same holds. */
  look({ client, clock, length }: Pick<RichPiece, 'client' | 'clock' | 'length'>): { isIn: boolean; length: number } {
    const runs = this.#runs.get(client) ?? []
    let [low, high] = [0, runs.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((runs[middle]?.[1] ?? 0) <= clock) low = middle + 1
      else high = middle
    }
    const [start, end] = runs[low] ?? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    const isIn = start <= clock
    return { isIn, length: Math.min(length, (isIn ? end : start) - clock) }
  }
}
