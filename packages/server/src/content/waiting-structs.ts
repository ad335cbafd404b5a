import * as Y from 'yjs'
import { isEmptyUpdate } from './empty-update.ts'

/** Clocks that a document must reach before an update shows, by Yjs client id. */
export type Clocks = ReadonlyMap<number, number>

/**
 * Bytes as which each client counts whose structs wait, besides their own: Yjs reads all that waits again at each update, in a time that
 * grows with the clients.
 */
export const CLIENT_BYTES = 256

type Waiting = NonNullable<Y.Doc['store']['pendingStructs']>

/**
 * The structs that a document can't integrate yet. They are kept apart from the integrated ones, and tried again
 * whenever that may succeed. Yjs does neither in full:
 *
 * - A broken or hostile client may send other structs under clocks that are taken. Yjs would merge the waiting ones
 *   with the document's own in a snapshot and in the answer to a newcomer, who would then see something else, or less.
 * - Yjs remembers a struct behind a gap of its own client as waiting for the whole gap. A newcomer would see it
 *   earlier.
 */
export class WaitingStructs {
  #update: Uint8Array | undefined
  /** Clocks, at the last try, of the clients whose structs wait or are waited for. */
  #clocks: ReadonlyMap<number, number> = new Map()

  /** Size of what waits in a document, bytes: deletions included. */
  bytesIn({ store }: Y.Doc): number {
    const structs =
      store.pendingStructs === null ? 0 : store.pendingStructs.update.length + CLIENT_BYTES * this.#clocks.size
    return structs + (store.pendingDs?.length ?? 0)
  }

  /**
   * Integrates the waiting structs that can be integrated now. Called after each update, in the update's own
   * transaction.
   */
  settle(doc: Y.Doc): void {
    const { store } = doc
    for (;;) {
      const waiting = store.pendingStructs
      if (waiting === null || !this.#mayGoOn(doc, waiting)) return
      store.pendingStructs = null
      Y.applyUpdateV2(doc, Y.diffUpdateV2(waiting.update, Y.encodeStateVector(doc)))
      const left = store.pendingStructs as Waiting | null
      // If fewer bytes wait than before, the structs just integrated may be those that the rest waits for: try again.
      if (left !== null && left.update.length >= waiting.update.length) this.#remember(doc, left)
    }
  }

  /**
   * Whether a try may succeed: other structs wait (Yjs then makes new bytes), or a clock has moved since the last try.
   */
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
 * The update that the log keeps of `updates`: the part that `doc` has integrated (`forward`), and the part that waits.
 * Without the waiting part an acknowledged edit would be lost with the process. Structs under clocks that `doc` already
 * has are left out, as `doc` left them out.
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
