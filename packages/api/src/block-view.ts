import { type Block, type BlockJson, type ClaimList, getBlock, listBlocks, toPlain } from '@joinery/blocks'
import type { Stamp, Stamps } from '@joinery/server'
import * as Y from 'yjs'

/** A block as the API answers it. */
export interface BlockView extends BlockJson {
  /** LSN of the last record that touched the block; 0 when the log no longer tells. */
  readonly version: number
  readonly updatedBy: { readonly source: string; readonly actor: string; readonly at: number } | null
}

/** One piece of a Quill delta: characters or one embed, with its marks. */
export interface DeltaPiece {
  readonly insert: unknown
  readonly attributes?: unknown
}

export function viewBlock(json: BlockJson, stamp: Stamp | undefined): BlockView {
  const updatedBy = stamp === undefined ? null : { source: stamp.source, actor: stamp.actor, at: stamp.at }
  return { ...json, version: stamp?.lsn ?? 0, updatedBy }
}

/** Reads the block with this id as it is now; undefined when there is none. */
export function readBlock(doc: Y.Doc, stamps: Stamps, id: string, lists: readonly ClaimList[]): BlockView | undefined {
  const block = getBlock(doc, id)
  return block && viewBlock(block.toJSONWith(lists), stamps.of(id))
}

/** As {@link readBlock}, with the content also as a Quill delta: all its characters, marks and embeds. */
export function readBlockAsDelta(
  doc: Y.Doc,
  stamps: Stamps,
  id: string,
  lists: readonly ClaimList[],
): (BlockView & { readonly delta: readonly DeltaPiece[] }) | undefined {
  const block = getBlock(doc, id)
  return block && { ...viewBlock(block.toJSONWith(lists), stamps.of(id)), delta: deltaOf(block) }
}

function deltaOf({ map, text }: Block): readonly DeltaPiece[] {
  const content = map.get('content')
  if (!(content instanceof Y.Text)) return text === '' ? [] : [{ insert: text }]
  const pieces: DeltaPiece[] = content.toDelta()
  return pieces.map(({ insert, attributes }) => ({
    insert: typeof insert === 'string' ? insert : embedOf(insert),
    ...(attributes !== undefined && { attributes: toPlain(attributes) }),
  }))
}

/** An embed as an object: a string in a delta means characters, and a nested Yjs text reads as a string. */
function embedOf(value: unknown): unknown {
  const plain = toPlain(value)
  return typeof plain === 'object' && plain !== null ? plain : { value: plain }
}

export function readBlocks(doc: Y.Doc, stamps: Stamps, lists: readonly ClaimList[]): BlockView[] {
  return listBlocks(doc).map((block) => viewBlock(block.toJSONWith(lists), stamps.of(block.id)))
}
