import {
  type Block,
  type BlockJson,
  type ClaimList,
  type DeltaPiece,
  deltaOf,
  getBlock,
  jsonFormOf,
  type TextForm,
} from '@joinery/blocks'
import type { Stamp, Stamps } from '@joinery/server'
import * as Y from 'yjs'

/** A block as the API answers it. */
export interface BlockView extends BlockJson {
  /** LSN of the last record that touched the block; 0 when the log no longer tells. */
  readonly version: number
  readonly updatedBy: { readonly source: string; readonly actor: string; readonly at: number } | null
}

/** A block as plain JSON: what its data holds beyond JSON is in the forms of `jsonFormOf`. */
export function blockJson(block: Block, lists: readonly ClaimList[], texts: TextForm = 'string'): BlockJson {
  return block.toJSONWith(lists, (data) => jsonFormOf(data, texts))
}

export function viewBlock(json: BlockJson, stamp: Stamp | undefined): BlockView {
  const updatedBy = stamp === undefined ? null : { source: stamp.source, actor: stamp.actor, at: stamp.at }
  return { ...json, version: stamp?.lsn ?? 0, updatedBy }
}

/** Reads the block with this id as it is now; undefined when there is none. */
export function readBlock(doc: Y.Doc, stamps: Stamps, id: string, lists: readonly ClaimList[]): BlockView | undefined {
  const block = getBlock(doc, id)
  return block && viewBlock(blockJson(block, lists), stamps.of(id))
}

/** As {@link readBlock}, with the content also as a Quill delta, and with the texts in data as deltas: marks and embeds included. */
export function readBlockAsDelta(
  doc: Y.Doc,
  stamps: Stamps,
  id: string,
  lists: readonly ClaimList[],
): (BlockView & { readonly delta: readonly DeltaPiece[] }) | undefined {
  const block = getBlock(doc, id)
  return block && { ...viewBlock(blockJson(block, lists, 'delta'), stamps.of(id)), delta: contentDelta(block) }
}

function contentDelta({ map, text }: Block): readonly DeltaPiece[] {
  const content = map.get('content')
  if (content instanceof Y.Text) return deltaOf(content)
  return text === '' ? [] : [{ insert: text }]
}
