import type { ClaimList } from '../claim-list.ts'
import { type MachineRow, machinesOf } from '../machines/machine-rules.ts'

/** The table of lists as the checks look it up. */
export class ListTable {
  readonly all: readonly ClaimList[]
  /** The lists that share a mark, together. */
  readonly byMark: readonly (readonly ClaimList[])[]
  /** The list of statuses of machines, if there is one. */
  readonly machines: MachineRow | undefined
  readonly #byPart: ReadonlyMap<string, ClaimList>

  /** Throws a plain `TypeError` when two lists share a part. */
  constructor(lists: readonly ClaimList[]) {
    this.all = lists
    // Not `Map.groupBy`: Node 20 and Safari 16 do not have it.
    const marks = new Set(lists.map(({ mark }) => mark))
    this.byMark = [...marks].map((mark) => lists.filter((list) => list.mark === mark))
    this.#byPart = new Map(lists.map((list) => [list.part, list]))
    const statuses = this.#byPart.get('statuses')
    this.machines =
      statuses !== undefined && machinesOf(statuses) !== undefined ? (statuses as unknown as MachineRow) : undefined
    if (this.#byPart.size < lists.length)
      throw new TypeError('Two claim lists share a part: give each a part of its own')
  }

  /** The list that stands in a block under this key. */
  get(part: string): ClaimList | undefined {
    return this.#byPart.get(part)
  }
}
