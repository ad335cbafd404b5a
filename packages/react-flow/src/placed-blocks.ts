import { type Block, type Json, observeBlocks } from '@joinery/blocks'
import { blockIdsOf, documentStore, type Observable, type Workspace } from '@joinery/client'
import {
  type FramePlace,
  POSITION_FIELD,
  type Point,
  readFrame,
  readPosition,
  readSize,
  SIZE_FIELD,
  type Size,
} from './board-position.ts'

/** Type of the blocks that are frames: areas of the canvas, with a title, that take the blocks in them along. */
export const FRAME_TYPE = 'frame'

/** The part of a block that a canvas has to know. The object stays the same until something in it changes. */
export interface PlacedBlock {
  readonly id: string
  readonly type: string
  readonly title: string | undefined
  /** Undefined while nobody has moved the block. */
  readonly position: Point | undefined
  /** The frame in which the block stands, if its position names one. The frame may be gone. */
  readonly frame: FramePlace | undefined
  /** Undefined while nobody has resized the block. */
  readonly size: Size | undefined
}

const stores = new WeakMap<Workspace, Observable<readonly PlacedBlock[]>>()

/**
 * All blocks in their order, as a canvas needs them. The list is a new one when a block comes, goes, or changes its place in the
 * order, its type, title, position or size. Typing and statuses change nothing here.
 */
export function placedBlocksOf(workspace: Workspace): Observable<readonly PlacedBlock[]> {
  let store = stores.get(workspace)
  if (store === undefined) {
    const order = blockIdsOf(workspace)
    store = documentStore<readonly PlacedBlock[]>(
      workspace,
      [],
      (doc, onChange) => {
        // Subscribed first, so that the order is known anew before it is read below.
        const unfollow = order.subscribe(onChange)
        const unobserve = observeBlocks(doc, ({ changed }) => {
          if (changed.some(({ parts }) => parts.has('fields') || parts.has('type'))) onChange()
        })
        return () => {
          unobserve()
          unfollow()
        }
      },
      (_doc, last) => keepKnown(order.get(), (id) => workspace.blocks.get(id), last),
    )
    stores.set(workspace, store)
  }
  return store
}

/** The values that each shown object was read from: compared by identity, since a value of a field stays the same object. */
const sources = new WeakMap<PlacedBlock, readonly unknown[]>()

function keepKnown(
  ids: readonly string[],
  blockOf: (id: string) => Block | undefined,
  last: readonly PlacedBlock[],
): readonly PlacedBlock[] {
  const known = new Map(last.map((placed) => [placed.id, placed]))
  const next: PlacedBlock[] = []
  for (const id of ids) {
    const block = blockOf(id)
    if (block === undefined) continue
    const { type, fields } = block
    const source = [type, fields.get('title'), fields.get(POSITION_FIELD), fields.get(SIZE_FIELD)] as const
    const before = known.get(id)
    const isKnown = before !== undefined && sources.get(before)?.every((value, at) => Object.is(value, source[at]))
    next.push(isKnown ? before : placedFrom(id, source))
  }
  return next.length === last.length && next.every((placed, at) => placed === last[at]) ? last : next
}

type Source = readonly [
  type: string | undefined,
  title: Json | undefined,
  position: Json | undefined,
  size: Json | undefined,
]

function placedFrom(id: string, source: Source): PlacedBlock {
  const [type, title, position, size] = source
  const placed: PlacedBlock = {
    id,
    type: type ?? 'text',
    title: typeof title === 'string' && title.trim() !== '' ? title : undefined,
    position: readPosition(position),
    frame: type === FRAME_TYPE ? undefined : readFrame(position),
    size: readSize(size),
  }
  sources.set(placed, source)
  return placed
}
