import {
  blockChanges,
  type ChangeList,
  type ClaimList,
  type ContentChange,
  type DocumentContent,
  diffText,
  isSameJson,
  type Json,
  rootChanges,
  type TextEdit,
  type ToldLists,
} from '@joinery/blocks'
import type { BlockView } from '../block-view.ts'
import type { RequestWork } from '../request-work.ts'

/** The differences of one block between two states. A side is null where the block or part is missing. */
export interface BlockDifference extends ListDifferences {
  readonly id: string
  readonly type?: { readonly before: string; readonly after: string }
  /** `edits` turn the text before into the text after. */
  readonly content?: { readonly before: string; readonly after: string; readonly edits: readonly TextEdit[] }
  readonly data: readonly { key: string; before: unknown; after: unknown }[]
  /** Changes inside: of texts with their marks and embeds, nested types, other keys. */
  readonly changes: readonly ContentChange[]
  readonly changesOmitted: number
}

/** The entries that differ, for each list of claims under the name that differences use for it. */
type ListDifferences = {
  readonly [Name in keyof ToldLists]: readonly (KeyOf<ToldLists[Name]['key']> & Sides<ToldLists[Name]['shown']>)[]
}
type KeyOf<Key extends string> = { readonly [K in Key]: string }
interface Sides<Shown> {
  readonly before: Shown | null
  readonly after: Shown | null
}

export interface WorkspaceDifference {
  readonly added: readonly BlockView[]
  readonly removed: readonly BlockView[]
  readonly changed: readonly BlockDifference[]
  /** Changes of edges and of all other roots. */
  readonly changes: readonly ContentChange[]
  readonly changesOmitted: number
}

/** One side of a diff. The contents of both sides are read by one reader. */
export interface DiffSide {
  readonly blocks: readonly BlockView[]
  readonly content: DocumentContent
}

/** Changes of contents that one block, and the roots together, may have in an answer. */
const CHANGES_MAX = 1_000

/**
 * The differences that lead from `before` to `after`. All blocks are sorted by id. Other work has a turn after each block that
 * changed: the time for one is bounded (B44), but a workspace may have any number of them.
 */
export async function diffWorkspaces(
  before: DiffSide,
  after: DiffSide,
  lists: readonly ClaimList[],
  work: RequestWork,
): Promise<WorkspaceDifference> {
  const old = new Map(before.blocks.map((block) => [block.id, block]))
  const now = new Set(after.blocks.map(({ id }) => id))
  const changed: BlockDifference[] = []
  for (const block of after.blocks) {
    const was = old.get(block.id)
    if (was === undefined) continue
    const difference = work.part(() => {
      return diffBlock(was, block, blockChanges(before.content, after.content, block.id, CHANGES_MAX), lists)
    })
    if (difference === undefined) continue
    changed.push(difference)
    await work.pause()
  }
  const { changes, omitted } = work.part(() => rootChanges(before.content, after.content, CHANGES_MAX))
  return {
    added: after.blocks.filter(({ id }) => !old.has(id)),
    removed: before.blocks.filter(({ id }) => !now.has(id)),
    changed,
    changes,
    changesOmitted: omitted,
  }
}

function diffBlock(
  before: BlockView,
  after: BlockView,
  { changes, omitted }: ChangeList,
  lists: readonly ClaimList[],
): BlockDifference | undefined {
  const claims = lists.map((list) => ({ list, entries: diffClaims(before, after, list) }))
  const data = differences(before.data, after.data)
  const isTyped = before.type !== after.type
  const isWritten = before.content !== after.content
  const isSame = !isTyped && !isWritten && data.length === 0 && changes.length === 0
  if (isSame && claims.every(({ entries }) => entries.length === 0)) return undefined
  return {
    id: after.id,
    ...(isTyped && { type: { before: before.type, after: after.type } }),
    ...(isWritten && { content: contentDifference(before.content, after.content) }),
    ...(Object.fromEntries(claims.map(({ list, entries }) => [list.told.list, entries])) as unknown as ListDifferences),
    data,
    changes,
    changesOmitted: omitted,
  }
}

function contentDifference(before: string, after: string) {
  return { before, after, edits: diffText(before, after) }
}

function diffClaims(before: BlockView, after: BlockView, list: ClaimList): readonly object[] {
  const { told } = list
  return differences(byKey(before, list), byKey(after, list)).map(({ key, ...sides }) => ({
    [told.key]: key,
    ...sides,
  }))
}

/** The shown entries of one list of a block, by key. */
function byKey(block: BlockView, { part, rules }: ClaimList): Record<string, unknown> {
  const shown: unknown = (block as unknown as Record<string, unknown>)[part] ?? {}
  if (!Array.isArray(shown)) return shown as Record<string, unknown>
  return Object.fromEntries(shown.map((entry) => [rules.keyOf(entry), entry]))
}

function differences(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>) {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys
    .map((key) => ({ key, before: ownOrNull(before, key), after: ownOrNull(after, key) }))
    .filter((sides) => !isSameJson(sides.before, sides.after))
}

/** A key may be the name of something that every object inherits, such as "constructor". */
function ownOrNull(sides: Readonly<Record<string, unknown>>, key: string): Json {
  return (Object.hasOwn(sides, key) ? (sides[key] ?? null) : null) as Json
}
