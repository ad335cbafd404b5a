import type { StoredState } from './stored-state.ts'

/**
 * Stored states read a moment ago, so that many who join at once cost one read and one encoding. Each goes when nobody
 * has asked for it between two sweeps; when all together take more than `bytesMax`, the oldest go at once.
 */
export class ColdCache {
  readonly #bytesMax: number
  /** By whom they are kept for: who that is does not matter here. */
  readonly #states = new Map<object, { readonly stored: StoredState; readonly bytes: number; isUsed: boolean }>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
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

  /** Called about once a second. */
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
