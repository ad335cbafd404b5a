import { FRAME_TYPE, type PlacedBlock } from '@joinery/react-flow'

/** One row of the list: a block, or a frame with the blocks in it. */
export interface ListRow {
  readonly id: string
  /** Ids of the blocks in the frame, in their order; undefined for a block. */
  readonly members: readonly string[] | undefined
}

/** The rows of the list, in the order of the blocks. A block whose frame is gone is a row of its own. */
export function rowsOf(blocks: readonly PlacedBlock[]): ListRow[] {
  const members = new Map<string, string[]>()
  for (const { id, type } of blocks) if (type === FRAME_TYPE) members.set(id, [])
  const single = blocks.filter(({ id, frame }) => {
    const within = members.get(frame?.id ?? '')
    within?.push(id)
    return within === undefined
  })
  return single.map(({ id }) => ({ id, members: members.get(id) }))
}
