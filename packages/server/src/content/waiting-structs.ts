import * as Y from 'yjs'
import { isEmptyUpdate } from './empty-update.ts'

/** Clocks that a document has to reach, by Yjs client id, before something shows. */
export type Clocks = ReadonlyMap<number, number>

type Waiting = NonNullable<Y.Doc['store']['pendingStructs']>

/**
 * What a document could not integrate yet, kept apart from what it has, and tried whenever it may go on. Yjs does neither in
 * full. A client that is broken or hostile may send other structs under clocks that are taken: those that wait would be merged
 * with the document's own for a newcomer and for a snapshot, and who loads that is shown something else, or less. And what
 * waits behind a gap of the same client is remembered as waiting for all of the gap: a newcomer would be shown more.
 */
export class WaitingStructs {
  #update: Uint8Array | undefined
  /** Of the clients that wait or are waited for, when that was tried last. */
  #clocks: ReadonlyMap<number, number> = new Map()

  /** To be called after each update, in the transaction that applied it. */
  settle(doc: Y.Doc): void {
    const { store } = doc
    for (;;) {
      const waiting = store.pendingStructs
      if (waiting === null || !this.#mayGoOn(doc, waiting)) return
      store.pendingStructs = null
      Y.applyUpdateV2(doc, Y.diffUpdateV2(waiting.update, Y.encodeStateVector(doc)))
      const left = store.pendingStructs as Waiting | null
      // Less waits than before: what went on may have been what the rest waits for.
      if (left !== null && left.update.length >= waiting.update.length) this.#remember(doc, left)
    }
  }

  /** Yjs makes these bytes anew when more comes to wait; they are tried no oftener than that and when a clock has moved. */
  #mayGoOn({ store }: Y.Doc, { update }: Waiting): boolean {
    return update !== this.#update || [...this.#clocks].some(([client, clock]) => clock !== Y.getState(store, client))
  }

  #remember({ store }: Y.Doc, { update, missing }: Waiting): void {
    this.#update = update
    const clients = [...Y.parseUpdateMetaV2(update).from.keys(), ...missing.keys()]
    this.#clocks = new Map(clients.map((client) => [client, Y.getState(store, client)]))
  }
}

/**
 * What the log keeps of `updates`, of which `doc` has integrated `forward`: that, and what of them waits, or an
 * acknowledged edit would die with the process. What they say of clocks that `doc` has is left out, as it was by `doc`.
 */
export function withWaiting(
  doc: Y.Doc,
  updates: Uint8Array[],
  forward: Uint8Array | undefined,
): Uint8Array | undefined {
  if (updates.length === 0) return forward
  const waiting = Y.diffUpdate(Y.mergeUpdates(updates), Y.encodeStateVector(doc))
  if (isEmptyUpdate(waiting)) return forward
  return forward === undefined ? waiting : Y.mergeUpdates([forward, waiting])
}
