import {
  type BlockJson,
  blocksMap,
  type ClaimAuthor,
  type ClaimList,
  createBlock,
  deleteBlock,
  edgesMap,
  forkDoc,
  getBlock,
  isRandomBlockId,
  isSameJson,
  type Json,
  type ListedEdge,
  listBlocks,
  listEdges,
  removeEdge,
  restoreClaims,
  setEdge,
} from '@joinery/blocks'
import * as Y from 'yjs'
import { replaceMap } from '../merge-patch.ts'

/** Blocks and edges as they were at a point of the past. */
export interface PastContent {
  readonly blocks: readonly BlockJson[]
  readonly edges: readonly ListedEdge[]
}

export function readContent(doc: Y.Doc, lists: readonly ClaimList[]): PastContent {
  return { blocks: listBlocks(doc).map((block) => block.toJSONWith(lists)), edges: listEdges(doc) }
}

/**
 * Tries the restore on a copy. Stock clients may have put values into a document that nobody foresees, and an edit that
 * throws costs a rebuild of the document. An update between the trial and the edit may still cost one.
 */
export function checkRestore(doc: Y.Doc, past: PastContent, author: ClaimAuthor, lists: readonly ClaimList[]): void {
  const copy = forkDoc(doc)
  try {
    copy.transact(() => restore(copy, past, author, lists))
  } finally {
    copy.destroy()
  }
}

/**
 * Edits the document so that blocks and edges show what they showed then. It is a forward edit with the smallest change of
 * each text, on which live clients converge. Parts that are the same already stay untouched.
 */
export function restore(doc: Y.Doc, past: PastContent, author: ClaimAuthor, lists: readonly ClaimList[]): void {
  const kept = new Set(past.blocks.map(({ id }) => id))
  for (const { id } of listBlocks(doc)) if (!kept.has(id)) deleteAny(doc, id)
  for (const block of past.blocks) restoreBlock(doc, block, author, lists)
  restoreEdges(doc, past.edges)
}

/** Deletes a block of any id: stock clients may have used ids that `deleteBlock` refuses. */
function deleteAny(doc: Y.Doc, id: string): void {
  if (!blocksMap(doc).has(id)) return
  if (id.includes('/')) blocksMap(doc).delete(id)
  else deleteBlock(doc, id)
}

function restoreBlock(doc: Y.Doc, past: BlockJson, author: ClaimAuthor, lists: readonly ClaimList[]): void {
  const block =
    getBlock(doc, past.id) ?? createBlock(doc, past.id, { type: past.type, lists, isAlone: isRandomBlockId(past.id) })
  if (block.type !== past.type) block.setType(past.type)
  if (block.text !== past.content) block.replaceContent(past.content)
  if (!isSameJson(block.toJSON().data, past.data)) replaceMap(block.data, past.data as Record<string, Json>)
  for (const list of lists) {
    restoreClaims(block, list, (past as unknown as Record<string, unknown>)[list.part], author)
  }
}

function restoreEdges(doc: Y.Doc, past: readonly ListedEdge[]): void {
  const kept = new Map(past.map((edge) => [edge.id, edge]))
  for (const edge of listEdges(doc)) {
    const then = kept.get(edge.id)
    if (then === undefined) removeEdge(doc, edge.id)
    else if (isSameJson(then, edge)) kept.delete(edge.id)
  }
  for (const { id, ...edge } of kept.values()) {
    if (edgesMap(doc).get(id) instanceof Y.Map) edgesMap(doc).delete(id)
    setEdge(doc, id, edge)
  }
}
