import type { WorkspaceLog } from '@joinery/log'
import { encodeSyncStep1 } from '@joinery/protocol'
import type { ColdCache } from './cold-cache.ts'
import { EMPTY_STATE_VECTOR, EMPTY_STEP1, isEmptyStateVector } from './empty-update.ts'
import { readStored, type StoredState } from './stored-state.ts'

/**
 * A workspace nobody writes to, as its room keeps it: where it is stored and its state vector. What joins need of it is
 * read when they come and forgotten soon after. The log does not grow while a room is cold.
 */
export class ColdDocument {
  readonly #log: WorkspaceLog
  readonly #cache: ColdCache
  /** One character a byte; undefined for the empty one. Ten thousand idle rooms keep one each, and an array takes half a kilobyte. */
  readonly #stateVector: string | undefined
  #reading: Promise<StoredState> | undefined

  constructor(log: WorkspaceLog, cache: ColdCache, stateVector: Uint8Array) {
    this.#log = log
    this.#cache = cache
    this.#stateVector = isEmptyStateVector(stateVector) ? undefined : Buffer.from(stateVector).toString('latin1')
  }

  /** Throws what reading throws. */
  static async load(log: WorkspaceLog, cache: ColdCache): Promise<ColdDocument> {
    if (log.head === 0) return new ColdDocument(log, cache, EMPTY_STATE_VECTOR)
    const stored = await readStored(log)
    const cold = new ColdDocument(log, cache, stored.stateVector)
    cache.put(cold, stored)
    return cold
  }

  stateVector(): Uint8Array {
    return this.#stateVector === undefined ? EMPTY_STATE_VECTOR : Buffer.from(this.#stateVector, 'latin1')
  }

  /** The frame that asks a client for what is not here. */
  syncStep1(): Uint8Array {
    return this.#stateVector === undefined ? EMPTY_STEP1 : encodeSyncStep1(this.stateVector())
  }

  /** What is stored, if it is at hand. */
  get atHand(): StoredState | undefined {
    return this.#cache.get(this)
  }

  /** Reads what is stored: once for all who ask meanwhile. Rejects with what reading throws. */
  read(): Promise<StoredState> {
    const { atHand } = this
    if (atHand !== undefined) return Promise.resolve(atHand)
    this.#reading ??= this.#read()
    return this.#reading
  }

  /** Nobody will ask any more. */
  letGo(): void {
    this.#cache.delete(this)
  }

  async #read(): Promise<StoredState> {
    try {
      const stored = await readStored(this.#log)
      this.#cache.put(this, stored)
      return stored
    } finally {
      this.#reading = undefined
    }
  }
}
