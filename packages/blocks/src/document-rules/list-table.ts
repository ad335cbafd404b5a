import type { ClaimList } from '../claim-list.ts'

/** The table of lists as the checks look it up. */
export class ListTable {
  readonly all: readonly ClaimList[]
  /** The lists that share a mark, together. */
  readonly byMark: readonly (readonly ClaimList[])[]
  readonly #byPart: ReadonlyMap<string, ClaimList>

  /** Throws a plain `TypeError` when two lists share a part. */
  constructor(lists: readonly ClaimList[]) {
    this.all = lists
    this.byMark = [...Map.groupBy(lists, ({ mark }) => mark).values()]
    this.#byPart = new Map(lists.map((list) => [list.part, list]))
    if (this.#byPart.size < lists.length)
      throw new TypeError('Two claim lists share a part: give each a part of its own')
  }

  /** The list that stands in a block under this key. */
  get(part: string): ClaimList | undefined {
    return this.#byPart.get(part)
  }
}
