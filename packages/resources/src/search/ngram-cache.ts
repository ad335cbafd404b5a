import { embed } from './hashed-ngrams.ts'

/** Vectors that are remembered: 4 KiB each, 32 MiB in all. */
const REMEMBERED_MAX = 8_000

/** The n-gram vectors of texts. Those that were asked for last are remembered. */
export class NgramCache {
  readonly #known = new Map<string, Float32Array>()

  of(hash: string, text: string): Float32Array {
    const vector = this.#known.get(hash) ?? embed(text)
    this.#known.delete(hash)
    this.#known.set(hash, vector)
    if (this.#known.size > REMEMBERED_MAX) {
      const { value: oldest } = this.#known.keys().next()
      if (oldest !== undefined) this.#known.delete(oldest)
    }
    return vector
  }
}
