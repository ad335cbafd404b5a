import type { Database } from './database.ts'
import type { Snapshot } from './event-store.ts'
import { type Extent, encodeExtent } from './extent.ts'
import type { Group } from './group.ts'
import { snapshotKeyRange } from './key.ts'
import { findRung } from './ladder.ts'
import { LogError } from './log-error.ts'
import { LSN_MAX } from './lsn.ts'
import type { LogObserver } from './observer.ts'
import { encodeSnapshot, packSnapshot } from './packed-snapshot.ts'
import type { Write } from './write.ts'

/** What upkeep needs of the log it is for. */
export interface UpkeepHost {
  /** Throws `closed` or the storage error. */
  assertOpen(): void
  /** The group that takes writes now. */
  group(): Group
  readonly disk: Database
  readonly observer: LogObserver
}

/** Every so often a snapshot stands by itself: what is damaged or has to be unpacked stays bounded. */
const DEPTH_MAX = 16
/** Where so little is shared, what is different is no cheaper than the whole. */
const DIFFERENCE_PART_MAX = 1 / 8

/** What is done to a workspace's history once it is written: one thing at a time, while appends go on. */
export class Upkeep {
  readonly #workspace: string
  readonly #number: number
  readonly #host: UpkeepHost
  #extent: Extent
  #last: Promise<unknown> | undefined

  constructor(workspace: string, number: number, extent: Extent, host: UpkeepHost) {
    this.#workspace = workspace
    this.#number = number
    this.#extent = extent
    this.#host = host
  }

  get extent(): Extent {
    return this.#extent
  }

  /** Settles when nothing is under way any more; undefined if nothing ever was. */
  get settled(): Promise<unknown> | undefined {
    return this.#last
  }

  /** Resolves when the snapshot is on the disk. Throws `invalid` unless it is newer than the last. */
  snapshot(snapshot: Snapshot): Promise<void> {
    return this.#inTurn(async () => {
      if (snapshot.lsn <= this.#extent.snapshotLsn) {
        const { snapshotLsn } = this.#extent
        throw new LogError('invalid', `workspace ${this.#workspace} has a snapshot at ${snapshotLsn} already`)
      }
      const startMs = performance.now()
      const parts = await encodeSnapshot(this.#number, await this.#pack(snapshot))
      // Parts of a snapshot that was never finished must not be taken for parts of this one.
      const strays = await this.#keysFrom(snapshotKeyRange(this.#number, this.#extent.snapshotLsn + 1, LSN_MAX))
      const [head, ...rest] = parts
      if (rest.length > 0 || strays.length > 0) await this.#write(strays.map((key) => ({ type: 'del', key })))
      for (const part of rest) await this.#write([part])
      const extent = { ...this.#extent, snapshotLsn: snapshot.lsn }
      await this.#write([...(head ? [head] : []), encodeExtent(this.#number, extent)], { sync: true })
      this.#extent = extent
      const storedBytes = parts.reduce((sum, { value }) => sum + value.byteLength, 0)
      this.#host.observer.snapshotted?.(performance.now() - startMs, snapshot.state.byteLength, storedBytes)
    })
  }

  /** As what is different from the snapshot before it, where that is less. */
  async #pack(snapshot: Snapshot) {
    const moment = this.#host.disk.pin()
    try {
      const log = { workspace: this.#workspace, number: this.#number, moment }
      const { snapshotLsn } = this.#extent
      const damaged = (error: LogError) => this.#host.observer.damaged?.(error)
      const rung = snapshotLsn === 0 ? undefined : await findRung(log, snapshotLsn, damaged)
      if (rung !== undefined && rung.depth < DEPTH_MAX) {
        const packed = await packSnapshot(snapshot, { ...rung, depth: rung.depth + 1 })
        if (packed.packedState.byteLength <= snapshot.state.byteLength * DIFFERENCE_PART_MAX) return packed
      }
    } finally {
      await moment.close()
    }
    return packSnapshot(snapshot)
  }

  async #keysFrom(range: { gte: Uint8Array; lte: Uint8Array }): Promise<Uint8Array[]> {
    const keys: Uint8Array[] = []
    for await (const [key] of this.#host.disk.entries(range)) keys.push(key)
    return keys
  }

  #write(writes: readonly Write[], { sync = false } = {}): Promise<void> {
    this.#host.assertOpen()
    const group = this.#host.group()
    group.writes.push(...writes)
    if (sync) group.needsSync = true
    return group.durable
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = (this.#last ?? Promise.resolve()).then(async () => {
      this.#host.assertOpen()
      return work()
    })
    // Whoever asked for it hears of its failure; the next in turn need not.
    this.#last = turn.catch(() => {})
    return turn
  }
}
