import { ClassicLevel } from 'classic-level'
import { markEnd } from '../leveldb/lost-log.ts'
import { cutTornManifest } from '../leveldb/torn-manifest.ts'
import { LogError } from '../log-error.ts'
import type { LogObserver } from '../observer.ts'
import { IDENTITY_KEY } from '../records/key.ts'
import type { Write } from '../records/write.ts'
import { storageError } from '../storage-error.ts'
import { assertWhole } from './assert-whole.ts'
import {
  beginCreation,
  clearUnfinished,
  type DataDirectory,
  finishCreation,
  inspectDirectory,
} from './data-directory.ts'
import { LogEnd, WRITE_BUFFER_BYTES } from './log-end.ts'
import { OlderLogs } from './older-logs.ts'
import { decodeStoreIdentity, encodeStoreIdentity, makeStoreId } from './store-identity.ts'

/** Entries fetched per step into LevelDB: one trip to its thread for each. */
const ENTRIES_PER_STEP = 256
/** classic-level makes room for a whole step, and frees it when V8 gets to the iterator: most workspaces hold few records. */
const ENTRIES_FIRST_STEP = 16
const BYTES_PER_STEP = 1024 * 1024

const BEHIND_ALL_KEYS = Buffer.from([0xff])

export type Entry = [key: Uint8Array, value: Uint8Array]
export type KeyRange = { gte: Uint8Array } & ({ lt: Uint8Array } | { lte: Uint8Array })
type Level = ClassicLevel<Uint8Array, Uint8Array>
type Snapshot = ReturnType<Level['snapshot']>

/** A database as it stood at one moment, whatever is written meanwhile. Until it is closed LevelDB keeps what it would drop. */
export interface DatabaseMoment {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** The last entry of a range: one seek. */
  last(range: KeyRange): Promise<Entry | undefined>
  entries(range: KeyRange): AsyncGenerator<Entry>
  /** {@link entries}, as many at a time as LevelDB hands over. */
  steps(range: KeyRange): AsyncGenerator<Entry[]>
  close(): Promise<void>
}

/** One LevelDB handle on a directory known to be ours. After the first failed write it is good for {@link close} only. */
export class Database {
  readonly storeId: string
  readonly #directory: string
  readonly #level: Level
  readonly #olderLogs: OlderLogs
  /** When LevelDB may leave its write-ahead log for a new one. */
  readonly logEnd = new LogEnd()
  #isLeaving = false

  private constructor(level: Level, directory: string, storeId: string) {
    this.#level = level
    this.#directory = directory
    this.#olderLogs = new OlderLogs(directory)
    this.storeId = storeId
  }

  /**
   * Opens `directory`, or makes a database there if it is missing or empty; with `storeId`, only that very store will do.
   * Throws `corrupted`, `foreign_directory`, `unreadable`, `locked`, `storage_full` or `storage_failed`.
   */
  static async open(
    directory: string,
    { storeId, observer }: { storeId?: string; observer?: LogObserver | undefined } = {},
  ): Promise<Database> {
    const found = await inspectDirectory(directory)
    if (found.state === 'new' && storeId !== undefined) {
      throw new LogError('corrupted', `the database in ${directory} is gone: restore it from a copy`)
    }
    if (found.state === 'new') await beginCreation(directory)
    else await guarded(directory, assertWhole(directory))
    const level = await openLevel(directory, found, observer)
    try {
      const known = found.state === 'new' ? undefined : (storeId ?? found.storeId)
      const id = await identify(level, directory, found.state === 'new', known)
      if (found.state === 'new' || found.storeId !== id) await finishCreation(directory, id)
      return new Database(level, directory, id)
    } catch (error) {
      await level.close()
      throw storageError(error, directory)
    }
  }

  /** Read in this thread: the keys asked for are absent or hot, and waking another thread costs ten times the look-up. */
  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return Promise.try(() => this.getNow(key))
  }

  /** {@link get} within this turn of the event loop. */
  getNow(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#level.getSync(key)
    } catch (error) {
      throw storageError(error, this.#directory)
    }
  }

  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#guard(this.#level.getMany(keys))
  }

  /** The last entry of a range: one seek. */
  last(range: KeyRange): Promise<Entry | undefined> {
    return this.#last(range)
  }

  entries(range: KeyRange): AsyncGenerator<Entry> {
    return this.#entries(range)
  }

  /** Keys of a range, so many at a time. */
  async *keys(range: KeyRange, count: number): AsyncGenerator<Uint8Array[]> {
    const iterator = this.#level.keys(range)
    try {
      for (;;) {
        const keys = await this.#guard(iterator.nextv(count))
        if (keys.length === 0) return
        yield keys
      }
    } finally {
      await iterator.close()
    }
  }

  /**
   * Makes LevelDB leave its write-ahead log for a new one soon, while writes go on. Waiting until it does so by itself
   * would take thousands of writes that each need an fsync.
   */
  leaveLog(): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    // A large write may make it leave the log first, and then it leaves the next one, too, whatever that holds by then.
    const end = this.logEnd.beNear()
    const done = () => {
      this.#isLeaving = false
      end()
    }
    // It writes what it has in memory into a table first, whatever the range. What goes wrong with that fails the next write.
    this.#level.compactRange(BEHIND_ALL_KEYS, BEHIND_ALL_KEYS).then(done, done)
  }

  /** What tidy.ts is for. */
  tidy(range: KeyRange): Promise<void> {
    return this.#guard(this.#level.compactRange(range.gte, 'lt' in range ? range.lt : range.lte))
  }

  /** Bytes that a range takes in tables: none for what was written lately, and to within a block or two. */
  approximateBytes(range: { gte: Uint8Array; lte: Uint8Array }): Promise<number> {
    return this.#guard(this.#level.approximateSize(range.gte, range.lte))
  }

  /** The database as of now, for reads that take their time. */
  pin(): DatabaseMoment {
    const snapshot = this.#level.snapshot()
    return {
      get: (key) => this.#guard(Promise.try(() => this.#level.getSync(key, { snapshot }))),
      last: (range) => this.#last(range, snapshot),
      entries: (range) => this.#entries(range, snapshot),
      steps: (range) => this.#steps(range, snapshot),
      close: () => this.#guard(snapshot.close()),
    }
  }

  /** Not `all()`: that has room made for a thousand entries. */
  async #last(range: KeyRange, snapshot?: Snapshot): Promise<Entry | undefined> {
    const iterator = this.#level.iterator({ ...range, reverse: true, limit: 1, ...(snapshot && { snapshot }) })
    try {
      return await this.#guard(iterator.next())
    } finally {
      await iterator.close()
    }
  }

  async *#entries(range: KeyRange, snapshot?: Snapshot): AsyncGenerator<Entry> {
    for await (const entries of this.#steps(range, snapshot)) for (const entry of entries) yield entry
  }

  async *#steps(range: KeyRange, snapshot?: Snapshot): AsyncGenerator<Entry[]> {
    const iterator = this.#level.iterator({
      ...range,
      highWaterMarkBytes: BYTES_PER_STEP,
      ...(snapshot && { snapshot }),
    })
    try {
      for (let step = ENTRIES_FIRST_STEP; ; step = ENTRIES_PER_STEP) {
        const entries = await this.#guard(iterator.nextv(step))
        if (entries.length === 0) return
        yield entries
      }
    } finally {
      await iterator.close()
    }
  }

  /** All or nothing. Resolves when LevelDB has it in its log and, with `sync`, the log on the disk. */
  write(writes: readonly Write[], sync: boolean): Promise<void> {
    // Chained: at 1,000 writes it takes 1.2 µs of CPU for each where an array of operations takes 2.9 (measured).
    const batch = this.#level.batch()
    for (const write of writes) {
      if (write.type === 'put') batch.put(write.key, write.value)
      else batch.del(write.key)
    }
    this.logEnd.wrote(writes)
    return this.#guard(batch.write({ sync }))
  }

  /** Like a write with `sync`; and whatever was written before through this handle is on the disk then, too. */
  async writeThrough(writes: readonly Write[]): Promise<void> {
    const before = this.#olderLogs.newest
    await this.#guard(this.#olderLogs.writeThrough(() => this.write(writes, true)))
    this.logEnd.looked(before !== undefined && this.#olderLogs.newest !== before)
  }

  /** To be called after the last write: from then on the end of what was written can't get lost without a word. */
  markEnd(): Promise<void> {
    return this.#guard(markEnd(this.#directory))
  }

  close(): Promise<void> {
    return this.#guard(this.#level.close())
  }

  #guard<T>(work: Promise<T>): Promise<T> {
    return guarded(this.#directory, work)
  }
}

async function guarded<T>(directory: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw storageError(error, directory)
  }
}

async function openLevel(directory: string, found: DataDirectory, observer: LogObserver | undefined): Promise<Level> {
  const level: Level = new ClassicLevel(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  const isNew = found.state === 'new'
  // Never createIfMissing on what exists: LevelDB would start an empty database beside a lost CURRENT.
  const options = { createIfMissing: isNew, errorIfExists: false, writeBufferSize: WRITE_BUFFER_BYTES }
  try {
    await level.open(options)
  } catch (error) {
    const failure = storageError(error, directory)
    if (failure.code !== 'corrupted') throw failure
    // LevelDB does not fsync all that a new database begins with: power was lost then, before anything was promised.
    if (isNew) await clearUnfinished(directory)
    // Without an id it may be another program's.
    else if (found.storeId === undefined || !(await cutManifest(directory, observer))) throw failure
    await level.open(options).catch((again: unknown) => {
      throw storageError(again, directory)
    })
  }
  return level
}

/** Gives whether that was what was wrong. */
async function cutManifest(directory: string, observer: LogObserver | undefined): Promise<boolean> {
  const cut = await guarded(directory, cutTornManifest(directory))
  if (cut !== undefined) observer?.manifestCut?.(cut)
  return cut !== undefined
}

/** Whose database this is; a new one is given its identity here, before anything else stands in it. */
async function identify(level: Level, directory: string, isNew: boolean, known: string | undefined): Promise<string> {
  const value = await level.get(IDENTITY_KEY)
  if (value !== undefined) {
    const storeId = decodeStoreIdentity(value, directory)
    if (known === undefined || storeId === known) return storeId
    throw new LogError('corrupted', `${directory} mixes files of two stores: restore it from one copy`)
  }
  if (known !== undefined) {
    throw new LogError('corrupted', `the database in ${directory} has lost its identity record: restore it from a copy`)
  }
  const [first] = await level.keys({ limit: 1 }).all()
  if (!isNew || first !== undefined) {
    throw new LogError('foreign_directory', `${directory} holds another program's LevelDB: choose an empty directory`)
  }
  const storeId = makeStoreId()
  const { key, value: identity } = encodeStoreIdentity(storeId)
  await level.put(key, identity, { sync: true })
  return storeId
}
