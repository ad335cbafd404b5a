import type { LoadTurns } from './load-turns.ts'
import type { StoredState } from './stored-state.ts'

/**
 * Stored states that were read a moment ago, so that many joins at once cost one read and one encoding. A state is
 * discarded when nobody has asked for it between two sweeps. When all states take more than `bytesMax`, the oldest are
 * discarded at once.
 */
export class ColdCache {
  /** The turns in which stored states are read. */
  readonly turns: LoadTurns
  readonly #bytesMax: number
  /** The states by owner. An owner is only a key here. */
  readonly #states = new Map<object, { readonly stored: StoredState; readonly bytes: number; isUsed: boolean }>()
  #bytes = 0

  constructor(bytesMax: number, turns: LoadTurns) {
    this.#bytesMax = bytesMax
    this.turns = turns
  }

  get(owner: object): StoredState | undefined {
    const entry = this.#states.get(owner)
    if (entry !== undefined) entry.isUsed = true
    return entry?.stored
  }

  put(owner: object, stored: StoredState): void {
    this.delete(owner)
    const { bytes } = stored
    this.#states.set(owner, { stored, bytes, isUsed: true })
    this.#bytes += bytes
    for (const oldest of this.#states.keys()) {
      if (this.#bytes <= this.#bytesMax) return
      this.delete(oldest)
    }
  }

  delete(owner: object): void {
    const entry = this.#states.get(owner)
    if (entry === undefined) return
    this.#states.delete(owner)
    this.#bytes -= entry.bytes
  }

  /** Discards the states that nobody asked for since the last sweep. Called about once a second. */
  sweep(): void {
    for (const [owner, entry] of this.#states) {
      if (!entry.isUsed) this.delete(owner)
      entry.isUsed = false
    }
  }

  get bytes(): number {
    return this.#bytes
  }
}
