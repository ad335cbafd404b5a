import { describe, expect, it } from 'vitest'
import type { StoreState } from './event-store.ts'
import { LogError } from './log-error.ts'
import { openMemoryStore } from './memory/memory-store.ts'
import { DelegatingStore } from './testing/delegating-store.ts'
import { FencingStore } from './testing/fencing-store.ts'
import { whileStorageWorks } from './while-storage-works.ts'

const FULL = new LogError('storage_full', 'the disk is full')

/** A store that fails when told to. */
class FailingStore extends DelegatingStore {
  #state: StoreState = { state: 'open' }
  readonly listeners = new Set<(state: StoreState) => void>()

  constructor() {
    super(openMemoryStore())
  }
  override get state(): StoreState {
    return this.#state
  }
  override onStateChange(listener: (state: StoreState) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
  fail(): void {
    this.#state = { state: 'failed', error: FULL }
    for (const listener of this.listeners) listener(this.#state)
  }
}

describe('work on a store', () => {
  it('[L91] ends with the storage error, and its signal aborts, as soon as storage fails, whatever it waits for', async () => {
    const store = new FailingStore()
    let signal: AbortSignal | undefined
    const work = whileStorageWorks(store, undefined, (given) => {
      signal = given
      return new Promise<never>(() => undefined)
    })
    store.fail()
    await expect(work).rejects.toBe(FULL)
    expect(signal?.reason).toBe(FULL)
    expect(store.listeners.size).toBe(0)
    const begun: string[] = []
    await expect(whileStorageWorks(store, undefined, async () => begun.push('work'))).rejects.toBe(FULL)
    expect(begun).toEqual([])
  })

  it('[L91] on a log ends with the fence as soon as the log is fenced', async () => {
    const store = new FencingStore(openMemoryStore())
    const log = await store.open('a')
    const work = whileStorageWorks(log, undefined, () => new Promise<never>(() => undefined))
    store.fence('a')
    await expect(work).rejects.toMatchObject({ code: 'fenced' })
    await expect(whileStorageWorks(log, undefined, async () => 'work')).rejects.toMatchObject({ code: 'fenced' })
    expect(await whileStorageWorks(store, undefined, async () => 'work')).toBe('work')
  })

  it('[L91] comes to what it comes to while storage works, and aborts with its caller', async () => {
    const store = new FailingStore()
    expect(await whileStorageWorks(store, undefined, async () => 'done')).toBe('done')
    const reason = new Error('enough')
    const caller = new AbortController()
    const work = whileStorageWorks(store, caller.signal, async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      signal.throwIfAborted()
    })
    caller.abort(reason)
    await expect(work).rejects.toBe(reason)
    expect(store.listeners.size).toBe(0)
  })
})
