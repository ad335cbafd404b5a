import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import { ClusterError } from './cluster-error.ts'
import { fromBytes, toBytes } from './json-value.ts'
import { engineNameOf, nameOfEngineName } from './names.ts'

const lockEntry = z.object({ holder: z.string(), name: z.string() })

/** A lock that somebody holds. */
export interface Lock {
  readonly name: string
  readonly holder: string
  /** Fencing number: it only grows for one name. */
  readonly fence: number
}

export interface AcquireOptions {
  /** Time to live, ms, in whole seconds: the engine ends a lock that is not renewed. */
  readonly ttlMs: number
  /** How long to wait while another one holds it, ms; default 0. */
  readonly waitMs?: number
  readonly signal?: AbortSignal
}

const NAME_LENGTH_MAX = 256
const LOOK_MS = 250
const PREFIX = 'lock.'

/** Locks of the whole cluster. They end by themselves, and each holder has a greater number than the one before. */
export class Locks {
  readonly #engine: Engine
  readonly #clock: SteadyClock

  constructor(engine: Engine, clock: SteadyClock = systemSteadyClock) {
    this.#engine = engine
    this.#clock = clock
  }

  /** Takes a lock, and waits for it if asked. Rejects with `lock_held`, or with the reason of `signal`. */
  async acquire(name: string, holder: string, options: AcquireOptions): Promise<Lock> {
    const endsAtMs = this.#clock.monotonicMs() + (options.waitMs ?? 0)
    for (;;) {
      options.signal?.throwIfAborted()
      const lock = await this.tryAcquire(name, holder, options.ttlMs)
      if (lock !== undefined) return lock
      if (this.#clock.monotonicMs() >= endsAtMs) {
        throw new ClusterError('lock_held', `somebody else holds the lock ${JSON.stringify(name)}`)
      }
      await new Promise<void>((resolve) => void this.#clock.after(LOOK_MS, resolve))
    }
  }

  /** Takes a lock that is free; undefined if it is not. */
  async tryAcquire(name: string, holder: string, ttlMs: number): Promise<Lock | undefined> {
    const fence = await this.#engine.live.create(keyOf(name), toBytes({ holder, name }), ttlMs)
    return fence === 'refused' ? undefined : { name, holder, fence }
  }

  /** Begins the time to live anew. Resolves with the lock under its next number. Rejects with `not_held`. */
  async renew({ name, holder, fence }: Lock, ttlMs: number): Promise<Lock> {
    const next = await this.#engine.live.update(keyOf(name), toBytes({ holder, name }), fence, ttlMs)
    if (next !== 'refused') return { name, holder, fence: next }
    throw new ClusterError('not_held', `the lock ${JSON.stringify(name)} is not held under number ${fence} any more`)
  }

  /** Gives a lock back. Resolves with false if it was not held any more. */
  async release({ name, fence }: Lock): Promise<boolean> {
    return (await this.#engine.live.delete(keyOf(name), fence)) === 'deleted'
  }

  async status(name: string): Promise<Lock | undefined> {
    const entry = await this.#engine.live.get(keyOf(name))
    const holder = entry && fromBytes(lockEntry, entry.value)?.holder
    return entry === undefined || holder === undefined ? undefined : { name, holder, fence: entry.revision }
  }

  /** All locks that are held, by name. */
  async list(): Promise<Lock[]> {
    const entries = await this.#engine.live.entries()
    const locks = entries.flatMap(({ key, value, revision }) => {
      const holder = key.startsWith(PREFIX) ? fromBytes(lockEntry, value)?.holder : undefined
      return holder === undefined ? [] : [{ name: nameOfEngineName(key.slice(PREFIX.length)), holder, fence: revision }]
    })
    return locks.sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}

function keyOf(name: string): string {
  if (name.length > 0 && name.length <= NAME_LENGTH_MAX) return PREFIX + engineNameOf(name)
  throw new ClusterError('invalid', `the name of a lock has 1 to ${NAME_LENGTH_MAX} characters, not ${name.length}`)
}
