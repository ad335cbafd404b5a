import { type BlockJson, type ClaimList, getBlock, listBlocks } from '@joinery/blocks'
import type { Stamp, Stamps } from '@joinery/server'
import type * as Y from 'yjs'

/** A block as the API answers it. */
export interface BlockView extends BlockJson {
  /** LSN of the last record that touched the block; 0 when the log no longer tells. */
  readonly version: number
  readonly updatedBy: { readonly source: string; readonly actor: string; readonly at: number } | null
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

export function readBlocks(doc: Y.Doc, stamps: Stamps, lists: readonly ClaimList[]): BlockView[] {
  return listBlocks(doc).map((block) => viewBlock(block.toJSONWith(lists), stamps.of(block.id)))
}
