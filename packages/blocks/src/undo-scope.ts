import type * as Y from 'yjs'
import { locateChange } from './change-location.ts'
import type { ClaimList } from './claim-list.ts'
import { listsIn } from './claim-lists.ts'
import { edgesMap } from './edges.ts'
import { blocksMap } from './workspace-blocks.ts'

/** The list of types that an undo manager accepts. */
type UndoTypes = Extract<ConstructorParameters<typeof Y.UndoManager>[0], readonly unknown[]>

/** Arguments of `new Y.UndoManager(scope, options)` with which undo covers a person's edits, and never a status. */
export interface UndoScope {
  readonly scope: UndoTypes
  readonly options: {
    captureTransaction(transaction: Y.Transaction): boolean
    trackedOrigins: Set<unknown>
  }
}

/**
 * The scope of undo: content, fields, data, type, creation and deletion of blocks, and edges. A transaction that wrote a status is
 * not captured at all, whatever else it did, since undoing it would undo the status.
 *
 * @param trackedOrigins origins of the transactions that count as this person's; no origin when left out
 * @param lists lists of claims that blocks have; a transaction that wrote to one that is not undoable is not captured
 */
export function undoScope(
  doc: Y.Doc,
  trackedOrigins: Iterable<unknown> = [null],
  lists: readonly ClaimList[] = listsIn(doc),
): UndoScope {
  const parts = new Set(lists.filter(({ isUndoable }) => !isUndoable).map(({ part }) => part))
  return {
    scope: [blocksMap(doc), edgesMap(doc)] as unknown as UndoTypes,
    options: {
      captureTransaction: (transaction) => !touches(transaction, parts),
      trackedOrigins: new Set(trackedOrigins),
    },
  }
}

/** True if the transaction wrote to one of these parts of a block that was there before and still is. */
function touches(transaction: Y.Transaction, parts: ReadonlySet<string>): boolean {
  for (const [type, keys] of transaction.changed) {
    const location = locateChange(transaction.doc, type, keys)
    if (location?.at === 'part' && parts.has(location.part)) return true
    // The first claim in a block that lacked the list comes together with the list.
    if (location?.at === 'block') for (const key of location.keys) if (key !== null && parts.has(key)) return true
  }
  return false
}
