import * as Y from 'yjs'

interface Range {
  readonly clock: number
  readonly len: number
}

/** Deletions, as clock ranges of each client: sorted, and joined where they meet. */
export class DeleteSet {
  readonly #byClient = new Map<number, Range[]>()

  /** Collects the deletions of all `updates`. Throws on bytes that Yjs can't read. */
  constructor(updates: readonly Uint8Array[]) {
    for (const update of updates) {
      for (const [client, ranges] of Y.decodeUpdate(update).ds.clients) {
        const known = this.#byClient.get(client)
        if (known === undefined) this.#byClient.set(client, [...ranges])
        else for (const range of ranges) known.push(range)
      }
    }
    for (const [client, ranges] of this.#byClient) this.#byClient.set(client, joined(ranges))
  }

  /** Whether every clock of `range` is deleted. */
  includes(client: number, { clock, len }: Range): boolean {
    const ranges = this.#byClient.get(client)
    if (ranges === undefined) return false
    let low = 0
    let high = ranges.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const range = ranges[middle] as Range
      if (range.clock > clock) high = middle - 1
      else if (range.clock + range.len <= clock) low = middle + 1
      else return clock + len <= range.clock + range.len
    }
    return len === 0
  }
}

function joined(ranges: readonly Range[]): Range[] {
  const result: { clock: number; len: number }[] = []
  for (const { clock, len } of ranges.toSorted((a, b) => a.clock - b.clock)) {
    const last = result.at(-1)
    if (last !== undefined && clock <= last.clock + last.len) last.len = Math.max(last.len, clock + len - last.clock)
    else result.push({ clock, len })
  }
  return result
}
