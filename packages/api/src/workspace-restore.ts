import {
  type Block,
  type BlockJson,
  blocksMap,
  type ClaimAuthor,
  createBlock,
  deleteBlock,
  edgesMap,
  forkDoc,
  getBlock,
  type IndexingEntry,
  type Json,
  type ListedEdge,
  listBlocks,
  listEdges,
  removeEdge,
  setEdge,
} from '@joinery/blocks'
import * as Y from 'yjs'
import { isSameJson, replaceMap } from './merge-patch.ts'
import { replaceFields } from './operation.ts'
import { amountsOf, hasSameAmounts } from './run-amounts.ts'

/** Blocks and edges as they were. */
export interface PastContent {
  readonly blocks: readonly BlockJson[]
  readonly edges: readonly ListedEdge[]
}

export function readContent(doc: Y.Doc): PastContent {
  return { blocks: listBlocks(doc).map((block) => block.toJSON()), edges: listEdges(doc) }
}

/**
 * Tries the restore on a copy: what stock clients may have put into a document is more than can be foreseen, and an edit
 * that throws costs a rebuild. What comes in between the try and the edit may cost one all the same.
 */
export function checkRestore(doc: Y.Doc, past: PastContent, author: ClaimAuthor): void {
  const copy = forkDoc(doc)
  try {
    copy.transact(() => restore(copy, past, author))
  } finally {
    copy.destroy()
  }
}

/**
 * Edits the document so that blocks and edges show what they showed then: a forward edit, with the smallest change of
 * each text, on which live clients converge. What shows that already is not touched.
 */
export function restore(doc: Y.Doc, past: PastContent, author: ClaimAuthor): void {
  const kept = new Set(past.blocks.map(({ id }) => id))
  for (const { id } of listBlocks(doc)) if (!kept.has(id)) deleteAny(doc, id)
  for (const block of past.blocks) restoreBlock(doc, block, author)
  restoreEdges(doc, past.edges)
}

/** Stock clients may have used ids that `deleteBlock` refuses. */
function deleteAny(doc: Y.Doc, id: string): void {
  if (!blocksMap(doc).has(id)) return
  if (id.includes('/')) blocksMap(doc).delete(id)
  else deleteBlock(doc, id)
}

function restoreBlock(doc: Y.Doc, past: BlockJson, author: ClaimAuthor): void {
  const block = getBlock(doc, past.id) ?? createBlock(doc, past.id, { type: past.type })
  if (block.type !== past.type) block.setType(past.type)
  if (block.text !== past.content) block.replaceContent(past.content)
  replaceFields(block, past.fields, author)
  if (!isSameJson(block.toJSON().data, past.data)) replaceMap(block.data, past.data as Record<string, Json>)
  const shown = new Set(past.indexingList.map(({ index_name }) => index_name))
  for (const { index_name } of block.indexingList.entries()) {
    if (!shown.has(index_name)) block.indexingList.remove(index_name)
  }
  for (const entry of past.indexingList) restoreEntry(block, entry, author)
}

/**
 * A claim of the past is beaten for good, so its status comes back as that of a new run, made by who restores. An entry
 * without a number (a stock client's) is one too from then on.
 */
function restoreEntry({ indexingList }: Block, past: IndexingEntry, author: ClaimAuthor): void {
  const { index_name, status, collection_configs: collectionConfigs, error } = past
  if (showsSame(indexingList.get(index_name), past)) return
  // Without this a run of a higher-priority source would stand in the way; the numbers go on from the highest all the same.
  indexingList.remove(index_name)
  const run = indexingList.startRun(index_name, {
    ...author,
    status: status === 'notStarted' ? 'notStarted' : 'processing',
    ...(collectionConfigs && { collectionConfigs }),
  })
  const amounts = amountsOf(past)
  const told = { ...author, ...amounts }
  if (status === 'error')
    indexingList.report(index_name, run, status, { ...told, ...(error !== undefined && { error }) })
  else if (status === 'done' || Object.keys(amounts).length > 0) indexingList.report(index_name, run, status, told)
}

function showsSame(now: IndexingEntry | undefined, past: IndexingEntry): boolean {
  if (now === undefined) return false
  return (
    now.status === past.status &&
    now.error === past.error &&
    hasSameAmounts(now, past) &&
    isSameJson(now.collection_configs, past.collection_configs)
  )
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
