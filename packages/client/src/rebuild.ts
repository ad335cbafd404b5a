import { hasSkeletons, moveSkeletons } from '@joinery/blocks'
import type { Rejected } from '@joinery/protocol'
import * as Y from 'yjs'
import { ClientError } from './client-error.ts'
import { type ResetCause, resetError } from './document-reset.ts'
import type { SetAside } from './set-aside.ts'

/** Origin of the transaction that writes the edits of the old document into the new one. */
const REBUILD_ORIGIN: unique symbol = Symbol('joinery rebuild')

/** Ends the waits for edits of a document that is made anew. Callers of the workspace wait on, see {@link Rebuild.durable}. */
export class RebuildError extends ClientError {
  /** The refused edits, as `Reset` has them. */
  readonly update: Uint8Array

  constructor(reason: string, update: Uint8Array) {
    super('rejected', reason, { rejection: 'client_id_owned' })
    this.update = update
  }
}

/** A document that is made anew, since ids of its blocks by name are another writer's on the server. */
interface Old {
  readonly doc: Y.Doc
  /** The edits that the server refused, as one Yjs V1 update; undefined if it has refused none. */
  readonly refused: Uint8Array | undefined
  /** The id of the set-aside copy of the document. */
  readonly aside: string | undefined
}

/** The documents of a workspace whose edits are moved into the present one, once that has the server's state. */
export class Rebuild {
  readonly #waiting: Old[] = []
  /** The ids of set-aside copies whose edits have been moved. */
  readonly #moved: string[] = []
  #error: RebuildError | undefined
  readonly #setAside: SetAside
  /** Skeletons of which a further incarnation has been seen: the document is made anew once for each. */
  readonly #doubled = new Set<number>()

  constructor(setAside: SetAside) {
    this.#setAside = setAside
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Whether all of these skeletons have been told before. */
  isKnown(skeletons: readonly number[]): boolean {
    const isKnown = skeletons.every((id) => this.#doubled.has(id))
    for (const id of skeletons) this.#doubled.add(id)
    return isKnown
  }

  /**
   * The error for those who wait for edits of a document that is replaced. If it is made anew, the next one gets its edits: `update`
   * are those that the server lacks, and `aside` is what was set aside.
   */
  endOf(cause: ResetCause, doc: Y.Doc, update: Uint8Array, aside: string | undefined): ClientError {
    if (cause.cause !== 'rebuilding') return resetError(cause)
    this.#waiting.push({ doc, refused: cause.isRefused ? update : undefined, aside })
    this.#error = new RebuildError(cause.reason, update)
    return this.#error
  }

  /** Moves the edits into `doc`, which has the server's state. Those that no id was in the way of stay set aside: returns the error then. */
  finish(doc: Y.Doc): RebuildError | undefined {
    if (!this.isWaiting) return undefined
    let hasFailed = false
    for (const old of this.#waiting.splice(0)) {
      const { refused } = old
      const missing = refused === undefined ? Y.encodeStateAsUpdate(old.doc, Y.encodeStateVector(doc)) : undefined
      const update = moveSkeletons(old.doc, doc, refused) ?? missing
      hasFailed ||= update === undefined
      if (update === undefined) continue
      Y.applyUpdate(doc, update, REBUILD_ORIGIN)
      if (old.aside !== undefined) this.#moved.push(old.aside)
    }
    if (!hasFailed) this.#error = undefined
    return this.#error
  }

  get hasMoved(): boolean {
    return this.#moved.length > 0
  }

  /** Forgets what was set aside of documents whose edits are durable by now. A copy that can't be discarded stays in the list. */
  discardMoved(): void {
    for (const aside of this.#moved.splice(0)) this.#setAside.discard(aside).catch(() => undefined)
  }

  /** Leaves the edits set aside. */
  fail(): RebuildError | undefined {
    return this.#waiting.splice(0).length > 0 ? this.#error : undefined
  }

  /** Waits by `wait` until everything is durable, also when the document is made anew meanwhile: `untilSynced` tells when it has been. */
  async durable<T>(untilSynced: () => Promise<void>, wait: () => Promise<T>): Promise<T> {
    if (this.isWaiting) {
      await untilSynced()
      if (this.#error !== undefined) throw this.#error
    }
    try {
      return await wait()
    } catch (error) {
      if (!(error instanceof RebuildError) || (!this.isWaiting && this.#error !== undefined)) throw error
      return this.durable(untilSynced, wait)
    }
  }
}

/** Why a document is replaced whose `update` the server refused. If it writes into blocks by name, their ids may be the reason. */
export function rejectedCause(doc: Y.Doc, { code, reason }: Rejected, update: Uint8Array): ResetCause {
  if (code === 'client_id_owned' && hasSkeletons(doc, update)) return { cause: 'rebuilding', reason, isRefused: true }
  return { cause: 'rejected', code, reason, update }
}
