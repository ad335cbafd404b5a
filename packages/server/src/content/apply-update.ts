import * as Y from 'yjs'
import type { WaitingStructs } from './waiting-structs.ts'

/** Thrown for bytes that are no Yjs V1 update. A part that was applied before can't be taken back. */
export class UpdateError extends Error {
  override name = 'UpdateError'
}

/** Applies one V1 update, and drops what waited for it. Throws {@link UpdateError} on bytes that are none. */
export function applyOrThrow(doc: Y.Doc, update: Uint8Array, waiting: WaitingStructs): void {
  // A V2 update begins with bytes that V1 reads as an empty update, and Yjs ignores the rest: the edit would be lost
  // silently.
  if (update[0] === 0 && update[1] === 0 && update.length > 2) {
    throw new UpdateError('the update is no Yjs V1 update: bytes follow its end, as in a V2 update. Send V1 updates')
  }
  try {
    Y.applyUpdate(doc, update)
    waiting.settle(doc)
  } catch (cause) {
    throw new UpdateError('the update is no Yjs V1 update: Yjs can not read it. Send V1 updates', { cause })
  }
}

/** The error of an update that waits although nothing that it builds on is missing. */
export function buildsOnItself(): UpdateError {
  return new UpdateError('the update builds on itself, so that it can never show')
}

/** Whether edits wait in a document for others that have not arrived. */
export function hasWaiting({ store }: Y.Doc): boolean {
  return store.pendingStructs !== null || store.pendingDs !== null
}

/**
 * Integrates an item that was read from an update, and all of whose neighbours are there: what Yjs does with the update's bytes in a
 * document in which nothing waits.
 */
export function integrateTyped(item: Y.Item, transaction: Y.Transaction): void {
  transaction.local = false
  item.getMissing(transaction, transaction.doc.store)
  item.integrate(transaction, 0)
}
