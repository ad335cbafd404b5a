import { setImmediate as nextTurn } from 'node:timers/promises'
import { diffText, type IndexingEntry, type Json, type TextEdit } from '@joinery/blocks'
import type { BlockView } from './block-view.ts'
import { isSameJson } from './merge-patch.ts'

/** What differs in one block between two states. A side is null where there is nothing. */
export interface BlockDifference {
  readonly id: string
  readonly type?: { readonly before: string; readonly after: string }
  /** `edits` turn the one text into the other. */
  readonly content?: { readonly before: string; readonly after: string; readonly edits: readonly TextEdit[] }
  readonly indexing: readonly { index: string; before: IndexingEntry | null; after: IndexingEntry | null }[]
  readonly fields: readonly { key: string; before: unknown; after: unknown }[]
  readonly data: readonly { key: string; before: unknown; after: unknown }[]
}

export interface WorkspaceDifference {
  readonly added: readonly BlockView[]
  readonly removed: readonly BlockView[]
  readonly changed: readonly BlockDifference[]
}

/**
 * What turned `before` into `after`. Both are sorted by id, as the answer is. Others have their turn after each text: one
 * is bounded (B44), and a workspace may have any number of them.
 */
export async function diffBlocks(
  before: readonly BlockView[],
  after: readonly BlockView[],
): Promise<WorkspaceDifference> {
  const old = new Map(before.map((block) => [block.id, block]))
  const now = new Set(after.map(({ id }) => id))
  const changed: BlockDifference[] = []
  for (const block of after) {
    const was = old.get(block.id)
    const difference = was && diffBlock(was, block)
    if (difference === undefined) continue
    changed.push(difference)
    if (difference.content !== undefined) await nextTurn()
  }
  return {
    added: after.filter(({ id }) => !old.has(id)),
    removed: before.filter(({ id }) => !now.has(id)),
    changed,
  }
}

function diffBlock(before: BlockView, after: BlockView): BlockDifference | undefined {
  const indexing = differences(byName(before.indexingList), byName(after.indexingList)).map(({ key, ...sides }) => ({
    index: key,
    before: sides.before as IndexingEntry | null,
    after: sides.after as IndexingEntry | null,
  }))
  const fields = differences(before.fields, after.fields)
  const data = differences(before.data, after.data)
  const isTyped = before.type !== after.type
  const isWritten = before.content !== after.content
  if (!isTyped && !isWritten && indexing.length + fields.length + data.length === 0) return undefined
  return {
    id: after.id,
    ...(isTyped && { type: { before: before.type, after: after.type } }),
    ...(isWritten && { content: contentDifference(before.content, after.content) }),
    indexing,
    fields,
    data,
  }
}

function contentDifference(before: string, after: string) {
  return { before, after, edits: diffText(before, after) }
}

function byName(entries: readonly IndexingEntry[]): Record<string, unknown> {
  return Object.fromEntries(entries.map((entry) => [entry.index_name, entry]))
}

function differences(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>) {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys
    .map((key) => ({ key, before: (before[key] ?? null) as Json, after: (after[key] ?? null) as Json }))
    .filter((sides) => !isSameJson(sides.before, sides.after))
}
