import type * as Y from 'yjs'
import type { ClaimList } from './claim-list.ts'
import type { DocumentContent } from './document-content.ts'
import { rootDiffs, withPartsOf } from './restore-document.ts'
import { ChangeList } from './rich-content/content-change.ts'
import { blockPath, type ContentPath } from './rich-content/content-path.ts'
import { addDiffChanges } from './rich-content/diff-changes.ts'
import { transactionChanges } from './rich-content/transaction-changes.ts'
import { diffTypes } from './rich-content/type-diff.ts'

/** The changes of one block that both documents hold, without its type and its lists of claims. Both were read by one reader. */
export function blockChanges(
  before: DocumentContent,
  after: DocumentContent,
  id: string,
  changesMax: number,
): ChangeList {
  const list = new ChangeList(changesMax)
  const [was, is] = [before.blocks.get(id), after.blocks.get(id)]
  if (was === undefined || is === undefined) return list
  // A part that is missing and one that is empty read the same.
  const [old, next] = [withPartsOf(is.rest, was.rest, before.reader), withPartsOf(was.rest, is.rest, before.reader)]
  const diff = diffTypes(old, next)
  if (diff !== undefined) addDiffChanges(diff, blockPath(id), list)
  return list
}

/** The changes of all roots, edges included, but of no blocks. Both documents were read by one reader. */
export function rootChanges(before: DocumentContent, after: DocumentContent, changesMax: number): ChangeList {
  const list = new ChangeList(changesMax)
  for (const [root, diff] of rootDiffs(before, after)) addDiffChanges(diff, { root, path: [] }, list)
  return list
}

/** The changes of one transaction, without those that tell of blocks as a whole and of lists of claims. See {@link transactionChanges}. */
export function changesIn(transaction: Y.Transaction, lists: readonly ClaimList[], changesMax: number): ChangeList {
  const parts = new Set(['id', ...lists.map(({ part }) => part)])
  const isElsewhere = ({ root, path }: ContentPath, key: string | undefined): boolean => {
    if (root !== 'blocks') return false
    const [, part] = path
    if (part !== undefined) return 'key' in part && parts.has(part.key)
    return path.length === 0 ? key !== undefined : key !== undefined && (parts.has(key) || PARTS.has(key))
  }
  return transactionChanges(transaction, changesMax, isElsewhere)
}

/** Parts of a block that are made empty: what is typed into them is told by their own change. */
const PARTS: ReadonlySet<string> = new Set(['content', 'data'])
