import type { SteadyClock } from '@joinery/log'
import type { EngineEntry } from '../engine.ts'
import { checkKey, ttlSeconds } from '../names.ts'

interface Kept {
  readonly entry: EngineEntry
  readonly cancel: () => void
}

type Listener = (key: string, entry: EngineEntry | undefined) => void

/** The keys of an engine in memory. */
export class MemoryKeys {
  readonly #clock: SteadyClock
  readonly #kept = new Map<string, Kept>()
  readonly #listeners = new Set<Listener>()
  #revision = 0

  constructor(clock: SteadyClock) {
    this.#clock = clock
  }

  get(key: string): EngineEntry | undefined {
    return this.#kept.get(checkKey(key))?.entry
  }

  create(key: string, value: Uint8Array, ttlMs?: number): number | 'refused' {
    return this.#kept.has(checkKey(key)) ? 'refused' : this.#put(key, value, ttlMs)
  }

  update(key: string, value: Uint8Array, revision: number, ttlMs?: number): number | 'refused' {
    const kept = this.#kept.get(checkKey(key))
    if (kept?.entry.revision !== revision) return 'refused'
    kept.cancel()
    return this.#put(key, value, ttlMs)
  }

  delete(key: string, revision: number): 'deleted' | 'refused' {
    const kept = this.#kept.get(checkKey(key))
    if (kept?.entry.revision !== revision) return 'refused'
    kept.cancel()
    this.#end(key)
    return 'deleted'
  }

  entries(): EngineEntry[] {
    return [...this.#kept.values()].map(({ entry }) => entry)
  }

  watch(listener: Listener): () => void {
    for (const { entry } of this.#kept.values()) listener(entry.key, entry)
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Drops everything, and counts from the first revision again. */
  lose(): void {
    for (const [key, { cancel }] of [...this.#kept]) {
      cancel()
      this.#end(key)
    }
    this.#revision = 0
  }

  #put(key: string, value: Uint8Array, ttlMs?: number): number {
    const seconds = ttlMs === undefined ? undefined : ttlSeconds(ttlMs)
    const entry = { key, value: value.slice(), revision: ++this.#revision }
    const cancel = seconds === undefined ? () => {} : this.#clock.after(seconds * 1000, () => this.#end(key))
    this.#kept.set(key, { entry, cancel })
    for (const listener of [...this.#listeners]) listener(key, entry)
    return entry.revision
  }

  #end(key: string): void {
    this.#kept.delete(key)
    this.#revision++
    for (const listener of [...this.#listeners]) listener(key, undefined)
  }
}
