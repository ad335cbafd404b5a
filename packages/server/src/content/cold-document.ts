import type { WorkspaceLog } from '@joinery/log'
import { encodeSyncStep1 } from '@joinery/protocol'
import type { ColdCache } from './cold-cache.ts'
import { EMPTY_STATE_VECTOR, EMPTY_STEP1, isEmptyStateVector } from './empty-update.ts'
import { type Admit, readStored, type StoredState } from './stored-state.ts'

/**
 * A workspace that nobody writes to, as its room keeps it: the log and the state vector. The stored state is read when
 * a client joins, and forgotten soon after. The log does not grow while a room is cold.
 */
export class ColdDocument {
  readonly #log: WorkspaceLog
  readonly #cache: ColdCache
  /**
   * The state vector, one character a byte; undefined when it is empty. An array would take half a kilobyte in each
   * idle room.
   */
  readonly #stateVector: string | undefined
  #reading: Promise<StoredState> | undefined

  constructor(log: WorkspaceLog, cache: ColdCache, stateVector: Uint8Array) {
    this.#log = log
    this.#cache = cache
    this.#stateVector = isEmptyStateVector(stateVector) ? undefined : Buffer.from(stateVector).toString('latin1')
  }

  /** Reads the log's state and keeps it at hand for a moment. Rejects with the storage error, and the error of `admit`. */
  static async load(log: WorkspaceLog, cache: ColdCache, admit?: Admit): Promise<ColdDocument> {
    if (log.head === 0) return new ColdDocument(log, cache, EMPTY_STATE_VECTOR)
    const stored = await readStored(log, cache.turns, admit)
    const cold = new ColdDocument(log, cache, stored.stateVector)
    cache.put(cold, stored)
    return cold
  }

  stateVector(): Uint8Array {
    return this.#stateVector === undefined ? EMPTY_STATE_VECTOR : Buffer.from(this.#stateVector, 'latin1')
  }

  /** The SyncStep1 frame, which asks a client for everything that this workspace lacks. */
  syncStep1(): Uint8Array {
    return this.#stateVector === undefined ? EMPTY_STEP1 : encodeSyncStep1(this.stateVector())
  }

  /** The stored state, if it was read a moment ago. */
  get atHand(): StoredState | undefined {
    return this.#cache.get(this)
  }

  /** Reads the stored state. Calls during a read share it. Rejects with the storage error when reading fails. */
  read(): Promise<StoredState> {
    const { atHand } = this
    if (atHand !== undefined) return Promise.resolve(atHand)
    this.#reading ??= this.#read()
    return this.#reading
  }

  /** Reads the stored state, and what it needs to recognize repeated updates. Rejects like {@link read}. */
  async prepared(): Promise<StoredState> {
    const stored = await this.read()
    const { turns } = this.#cache
    await turns.run(stored.preparing(turns.pace))
    return stored
  }

  /** Frees the stored state: nobody will ask for it any more. */
  discard(): void {
    this.#cache.delete(this)
  }

  async #read(): Promise<StoredState> {
    try {
      const stored = await readStored(this.#log, this.#cache.turns)
      this.#cache.put(this, stored)
      return stored
    } finally {
      this.#reading = undefined
    }
  }
}
