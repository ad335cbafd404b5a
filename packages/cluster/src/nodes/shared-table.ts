import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import type { z } from 'zod'
import type { EngineKeys } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { fromBytes, toBytes } from './json-value.ts'
import { engineNameOf, nameOfEngineName } from './names.ts'

/** Time until a value that the engine has lost is put again after a failure, ms. */
const AGAIN_MS = 1_000

export interface SharedTableOptions<T> {
  /** First word of its keys on the engine: A–Z, a–z, 0–9, `-` and `_`. Each table has another one. */
  readonly prefix: string
  readonly schema: z.ZodType<T>
  /** The value that stands after `next` was put where `before` stands. It is idempotent. By default `next`. */
  readonly merge?: (before: T, next: T) => T
  /** Told of each value that stands or changes. It hears of this node's own, too. */
  readonly onChange?: (name: string, value: T) => void
  readonly clock?: SteadyClock
}

/**
 * Values by name that all nodes have in common. A quorum of the engine keeps each of them, and every node hears of it a moment
 * later. Names have any characters. An engine that is made anew gets the values again from the nodes that live.
 */
export class SharedTable<T> {
  readonly #meta: EngineKeys
  readonly #options: SharedTableOptions<T>
  readonly #values = new Map<string, T>()
  /** Ends of the waits until lost values are put again. */
  readonly #waits = new Set<() => void>()
  #stop: () => void = () => undefined
  #isClosed = false

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

  /** The value of a name, as the engine says now. Rejects with the engine's errors. */
  async ask(name: string): Promise<T | undefined> {
    const entry = await this.#meta.get(this.#keyOf(name))
    return entry && fromBytes(this.#options.schema, entry.value)
  }

  /** All names and values, as this node has heard last. */
  entries(): IterableIterator<[name: string, value: T]> {
    return this.#values.entries()
  }

  /** Merges a value with the one that stands. Resolves once a quorum has it. Rejects with the engine's errors: it may stand or not. */
  async put(name: string, value: T): Promise<void> {
    const { schema, merge = (_before, next) => next } = this.#options
    const key = this.#keyOf(name)
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
    this.#isClosed = true
    this.#stop()
    for (const cancel of this.#waits) cancel()
  }

  #keyOf(name: string): string {
    return `${this.#options.prefix}.${engineNameOf(name)}`
  }

  #note(key: string, bytes: Uint8Array | undefined): void {
    const { prefix, schema, onChange } = this.#options
    if (!key.startsWith(`${prefix}.`)) return
    const name = nameOfEngineName(key.slice(prefix.length + 1))
    if (bytes === undefined) return this.#putAgain(name, key)
    const value = fromBytes(schema, bytes)
    if (value === undefined) return
    this.#values.set(name, value)
    onChange?.(name, value)
  }

  /** Nobody removes a value: the engine has lost it. */
  #putAgain(name: string, key: string): void {
    const value = this.#values.get(name)
    if (value === undefined || this.#isClosed) return
    const { merge, clock = systemSteadyClock } = this.#options
    // Without a merge the one of another node may be newer.
    const put = merge === undefined ? this.#meta.create(key, toBytes(value)) : this.put(name, value)
    put.catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error
      const again = (): void => {
        this.#waits.delete(cancel)
        this.#putAgain(name, key)
      }
      const cancel = clock.after(AGAIN_MS, again)
      this.#waits.add(cancel)
    })
  }
}
