import type * as Y from 'yjs'
import { locateChange } from './change-location.ts'
import { edgesMap } from './edges.ts'
import { blocksMap } from './workspace-blocks.ts'

/** The list of types among what an undo manager accepts. */
type UndoTypes = Extract<ConstructorParameters<typeof Y.UndoManager>[0], readonly unknown[]>

/** What `new Y.UndoManager(scope, options)` takes so that undo covers what a person edits, and never a status. */
export interface UndoScope {
  readonly scope: UndoTypes
  readonly options: {
    captureTransaction(transaction: Y.Transaction): boolean
    trackedOrigins: Set<unknown>
  }
}

/**
 * Undo's scope: content, fields, data, type, creation and deletion of blocks, and edges. A transaction that wrote a status
 * is not captured at all, whatever else it did: taking it back would take the status back.
 *
 * @param trackedOrigins whose transactions count as this person's; those without an origin when left out
 */
export function undoScope(doc: Y.Doc, trackedOrigins: Iterable<unknown> = [null]): UndoScope {
  return {
    scope: [blocksMap(doc), edgesMap(doc)] as unknown as UndoTypes,
    options: {
      captureTransaction: (transaction) => !touchesStatus(transaction),
      trackedOrigins: new Set(trackedOrigins),
    },
  }
}

/** True if the transaction wrote into the status list of a block that was there before and still is. */
function touchesStatus(transaction: Y.Transaction): boolean {
  for (const [type, keys] of transaction.changed) {
    const location = locateChange(transaction.doc, type, keys)
    if (location?.at === 'part' && location.part === 'indexingList') return true
    // The first status of a stock client's bare block comes with the list that holds it.
    if (location?.at === 'block' && location.keys.has('indexingList')) return true
  }
  return false
}
