import type { z } from 'zod'
import type { EngineKeys } from '../engine/engine.ts'
import { fromBytes, toBytes } from './json-value.ts'
import { engineNameOf, nameOfEngineName } from './names.ts'

export interface SharedTableOptions<T> {
  /** First word of its keys on the engine: A–Z, a–z, 0–9, `-` and `_`. Each table has another one. */
  readonly prefix: string
  readonly schema: z.ZodType<T>
  /** The value that stands after `next` was put where `before` stands. It is idempotent. By default `next`. */
  readonly merge?: (before: T, next: T) => T
  /** Told of each value that stands or changes, and of undefined when one is removed. It hears of this node's own, too. */
  readonly onChange?: (name: string, value: T | undefined) => void
}

/**
 * Values by name that all nodes have in common. A quorum of the engine keeps each of them, and every node hears of it a moment
 * later. Names have any characters.
 */
export class SharedTable<T> {
  readonly #meta: EngineKeys
  readonly #options: SharedTableOptions<T>
  readonly #values = new Map<string, T>()
  #stop: () => void = () => undefined

  private constructor(meta: EngineKeys, options: SharedTableOptions<T>) {
    this.#meta = meta
    this.#options = options
  }

  /** Resolves once all values that stand were told. Rejects with the engine's errors. */
  static async open<T>(meta: EngineKeys, options: SharedTableOptions<T>): Promise<SharedTable<T>> {
    const table = new SharedTable(meta, options)
    table.#stop = await meta.watch((key, entry) => table.#note(key, entry?.value))
    return table
  }

  /** The value of a name, as this node has heard last. */
  get(name: string): T | undefined {
    return this.#values.get(name)
  }

  /** All names and values, as this node has heard last. */
  entries(): IterableIterator<[name: string, value: T]> {
    return this.#values.entries()
  }

  /** Merges a value with the one that stands. Resolves once a quorum has it. Rejects with the engine's errors: it may stand or not. */
  async put(name: string, value: T): Promise<void> {
    const { schema, merge = (_before, next) => next } = this.#options
    const key = `${this.#options.prefix}.${engineNameOf(name)}`
    for (;;) {
      const entry = await this.#meta.get(key)
      const before = entry === undefined ? undefined : fromBytes(schema, entry.value)
      const bytes = toBytes(before === undefined ? value : merge(before, value))
      if (entry !== undefined && Buffer.compare(entry.value, bytes) === 0) return
      const written =
        entry === undefined ? await this.#meta.create(key, bytes) : await this.#meta.update(key, bytes, entry.revision)
      if (written !== 'refused') return
    }
  }

  /** Hears nothing any more. */
  close(): void {
    this.#stop()
  }

  #note(key: string, bytes: Uint8Array | undefined): void {
    const { prefix, schema, onChange } = this.#options
    if (!key.startsWith(`${prefix}.`)) return
    const name = nameOfEngineName(key.slice(prefix.length + 1))
    const value = bytes === undefined ? undefined : fromBytes(schema, bytes)
    if (value === undefined) this.#values.delete(name)
    else this.#values.set(name, value)
    onChange?.(name, value)
  }
}
