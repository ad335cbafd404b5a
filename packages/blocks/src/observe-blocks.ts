import type * as Y from 'yjs'
import { diffFolds, type ListChange } from './claim-diff.ts'
import type { Claim, ClaimList } from './claim-list.ts'
import { listsIn, type ToldLists } from './claim-lists.ts'
import { DocViews } from './claim-views.ts'
import { isFilled } from './filled-lists.ts'
import { isForbiddenKey } from './json.ts'
import { EMPTY_FOLD, type Fold } from './ranked-claims.ts'
import { blockMaps, blocksMap, getBlock } from './workspace-blocks.ts'

/** Changes that one transaction made in a block that was there before and is there after. */
export interface BlockChange extends ChangesByName {
  readonly id: string
  /** Parts and keys that were edited: `content`, `type`, `data`, lists of claims, or a stock client's own. */
  readonly parts: ReadonlySet<string>
  /** Changes in the block's lists of claims, in the order of the table. */
  readonly claims: readonly ClaimsChange[]
}

/** Changes in one list of claims. */
export interface ClaimsChange {
  readonly list: ClaimList
  readonly change: ListChange<Claim>
}

/** The changes of Joinery's own lists once more, each under the list's name in events. */
type ChangesByName = { readonly [Name in keyof ToldLists]?: ListChange<ToldLists[Name]['claim']> }

/** Changes that one transaction made in a workspace's blocks. A block that was deleted and created again is in `removed` and in `added`. */
export interface BlocksChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly BlockChange[]
}

/** A block as this observer last reported it. */
interface SeenBlock {
  readonly id: string
  /** The folds of its lists, in the order of the table; undefined while all lists are empty. */
  folds: readonly Fold<Claim>[] | undefined
}

/**
 * Calls `listener` once after each transaction, local or remote, that changed a block; returns unsubscribe. Blocks that exist
 * already are not reported as added. The observer never writes.
 *
 * @param lists lists of claims whose changes are reported
 */
export function observeBlocks(
  doc: Y.Doc,
  listener: (change: BlocksChange, transaction: Y.Transaction) => void,
  lists: readonly ClaimList[] = listsIn(doc),
): () => void {
  const views = DocViews.of(doc)
  const seen = new Map<Y.Map<unknown>, SeenBlock>()
  const byId = new Map<string, Y.Map<unknown>>()
  const foldsOf = (map: Y.Map<unknown>) => lists.map((list) => views.viewOf(map, list).fold)
  const remember = (id: string, map: Y.Map<unknown>): void => {
    seen.set(map, { id, folds: lists.some((list) => isFilled(map, list)) ? foldsOf(map) : undefined })
    byId.set(id, map)
  }
  blocksMap(doc)
  for (const [id, map] of blockMaps(doc)) remember(id, map)

  return views.subscribe((touched, transaction) => {
    const added: string[] = []
    const removed: string[] = []
    const changed: BlockChange[] = []
    for (const id of touched.ids) {
      if (isForbiddenKey(id)) continue
      const old = byId.get(id)
      const now = getBlock(doc, id)?.map
      if (old === now) continue
      if (old !== undefined) {
        removed.push(id)
        seen.delete(old)
        byId.delete(id)
      }
      if (now !== undefined) {
        added.push(id)
        remember(id, now)
      }
    }
    const addedIds = new Set(added)
    for (const [map, parts] of touched.parts) {
      const block = seen.get(map)
      if (block === undefined || addedIds.has(block.id)) continue
      const folds = foldsOf(map)
      changed.push({ id: block.id, parts, ...changesBetween(block.folds, folds, lists) })
      block.folds = folds
    }
    if (added.length + removed.length + changed.length > 0) listener({ added, removed, changed }, transaction)
  })
}

/** The changes of a block's lists; `before` is undefined where all lists were empty. */
function changesBetween(
  before: readonly Fold<Claim>[] | undefined,
  after: readonly Fold<Claim>[],
  lists: readonly ClaimList[],
): Omit<BlockChange, 'id' | 'parts'> {
  const claims: ClaimsChange[] = []
  const byName: Record<string, ListChange<Claim>> = {}
  for (const [index, list] of lists.entries()) {
    const change = diffFolds(before?.[index] ?? EMPTY_FOLD, after[index] ?? EMPTY_FOLD, list.rules)
    if (change === undefined) continue
    claims.push({ list, change })
    byName[list.told.list] = change
  }
  return { claims, ...byName }
}
