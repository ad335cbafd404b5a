import { vi } from 'vitest'
import { Database } from '../disk/database.ts'
import type { Durability, EventStore } from '../event-store.ts'
import type { Write } from '../records/write.ts'
import { openLevelStore } from '../store/level-store.ts'
import { makeTestClock } from './test-clock.ts'

interface Arrival {
  readonly writes: readonly Write[]
  readonly sync: boolean
  /** Lets LevelDB have the write. */
  readonly release: () => void
}

/** A store whose writes reach LevelDB, and whose fsyncs beside writes begin, only when the test lets them. */
export async function gateStore(directory: string, durability: Exclude<Durability, 'memory'>, stores: EventStore[]) {
  const clock = makeTestClock()
  const store = await openLevelStore({ directory, durability, windowMs: 10, clock })
  stores.push(store)
  const writes: Arrival[] = []
  const arrivals: ((write: Arrival) => void)[] = []
  const write = Database.prototype.write
  vi.spyOn(Database.prototype, 'write').mockImplementation(async function (this: Database, group, sync) {
    await new Promise<void>((release) => {
      const arrived = { writes: [...group], sync, release }
      writes.push(arrived)
      arrivals.shift()?.(arrived)
    })
    return write.call(this, group, sync)
  })
  const nextWrite = () => new Promise<Arrival>((resolve) => arrivals.push(resolve))
  const syncs: (() => void)[] = []
  const syncArrivals: ((release: () => void) => void)[] = []
  const sync = Database.prototype.sync
  vi.spyOn(Database.prototype, 'sync').mockImplementation(async function (this: Database) {
    await new Promise<void>((release) => {
      syncs.push(release)
      syncArrivals.shift()?.(release)
    })
    return sync.call(this)
  })
  /** Resolves at the next fsync beside writes, with a function that lets it begin. */
  const nextSync = () => new Promise<() => void>((resolve) => syncArrivals.push(resolve))
  /** Lets everything through from now on. */
  const openGate = () => {
    vi.restoreAllMocks()
    for (const { release } of writes) release()
    for (const release of syncs) release()
  }
  return { store, clock, writes, nextWrite, syncs, nextSync, openGate }
}
