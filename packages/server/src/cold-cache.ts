import type { ColdDocument } from './cold-document.ts'
import type { StoredState } from './stored-state.ts'

/**
 * Stored states read a moment ago, so that many who join at once cost one read and one encoding. Each goes when nobody
 * has asked for it between two sweeps; when all together take more than `bytesMax`, the oldest go at once.
 */
export class ColdCache {
  readonly #bytesMax: number
  readonly #states = new Map<ColdDocument, { readonly stored: StoredState; readonly bytes: number; isUsed: boolean }>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get(cold: ColdDocument): StoredState | undefined {
    const entry = this.#states.get(cold)
    if (entry !== undefined) entry.isUsed = true
    return entry?.stored
  }

  put(cold: ColdDocument, stored: StoredState): void {
    this.delete(cold)
    const { bytes } = stored
    this.#states.set(cold, { stored, bytes, isUsed: true })
    this.#bytes += bytes
    for (const oldest of this.#states.keys()) {
      if (this.#bytes <= this.#bytesMax) return
      this.delete(oldest)
    }
  }

  delete(cold: ColdDocument): void {
    const entry = this.#states.get(cold)
    if (entry === undefined) return
    this.#states.delete(cold)
    this.#bytes -= entry.bytes
  }

  /** Called about once a second. */
  sweep(): void {
    for (const [cold, entry] of this.#states) {
      if (!entry.isUsed) this.delete(cold)
      entry.isUsed = false
    }
  }

  get bytes(): number {
    return this.#bytes
  }
}
