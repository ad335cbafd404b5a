import type { Database } from '../disk/database.ts'
import type { Group } from '../disk/group.ts'
import type { Lsn } from '../lsn.ts'
import type { LogObserver } from '../observer.ts'
import { type Extent, encodeExtent } from '../records/extent.ts'
import type { Write } from '../records/write.ts'

/** The part of its log that the keeper of a history needs. */
export interface HistoryKeeperHost {
  /** Throws `closed` or the storage error. */
  assertOpen(): void
  /** The group that takes writes now. */
  group(): Group
  readonly disk: Database
  /** The workspace's generation. */
  readonly generation: string
  /** LSN of the last append. */
  readonly head: Lsn
  readonly observer: LogObserver
}

/** The means of one piece of work on the history. */
export interface Desk {
  readonly workspace: string
  readonly number: number
  readonly generation: string
  readonly extent: Extent
  readonly host: HistoryKeeperHost
  /**
   * Writes as one batch; resolves when it is durable, with `needsSync` when it is on the disk. Throws `closed`, `fenced` or the storage error, and has written
   * nothing then.
   */
  write(writes: readonly Write[], options?: { needsSync: boolean }): Promise<void>
  /** Changes the extent, with the writes that belong to it, in one batch. Resolves when it is on the disk. */
  moveExtent(change: Partial<Extent>, writes: readonly Write[]): Promise<void>
}

/** Takes snapshots of a workspace's stored history, seals and compacts it: one thing at a time, while appends go on. */
export class HistoryKeeper {
  readonly #workspace: string
  readonly #number: number
  readonly #host: HistoryKeeperHost
  #extent: Extent
  #last: Promise<unknown> | undefined

  constructor(workspace: string, number: number, extent: Extent, host: HistoryKeeperHost) {
    this.#workspace = workspace
    this.#number = number
    this.#extent = extent
    this.#host = host
  }

  get extent(): Extent {
    return this.#extent
  }

  /** Settles when no work is under way any more; undefined if there never was any. */
  get settled(): Promise<unknown> | undefined {
    return this.#last
  }

  /** Does `work` when all work before it has ended. */
  inTurn<T>(work: (desk: Desk) => Promise<T>): Promise<T> {
    const turn = (this.#last ?? Promise.resolve()).then(async () => {
      this.#host.assertOpen()
      return work(this.#desk())
    })
    // The caller hears of a failure; the next work in turn goes on.
    this.#last = turn.catch(() => {})
    return turn
  }

  #desk(): Desk {
    const keeper = this
    return {
      workspace: this.#workspace,
      number: this.#number,
      generation: this.#host.generation,
      get extent() {
        return keeper.#extent
      },
      host: this.#host,
      write: (writes, { needsSync } = { needsSync: false }) => this.#write(writes, needsSync),
      moveExtent: async (change, writes) => {
        const extent = { ...this.#extent, ...change }
        const written = this.#write([...writes, encodeExtent(this.#number, extent)], true)
        // Readers must no longer ask for records that this batch may already have deleted.
        this.#extent = { ...this.#extent, firstLsn: extent.firstLsn }
        await written
        this.#extent = extent
      },
    }
  }

  #write(writes: readonly Write[], needsSync: boolean): Promise<void> {
    this.#host.assertOpen()
    return this.#host.group().add(writes, { sync: needsSync })
  }
}
