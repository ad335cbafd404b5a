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
import { decodeStoreIdentity, encodeStoreIdentity, makeStoreId } from './store-identity.ts'
import { WrittenLogs } from './written-logs.ts'

/** Entries fetched per step: each step is one trip to LevelDB's thread. */
const ENTRIES_PER_STEP = 256
/**
 * Entries of the first step. classic-level allocates a whole step, and V8 frees it late: most workspaces hold few
 * records.
 */
const ENTRIES_FIRST_STEP = 16
const BYTES_PER_STEP = 1024 * 1024

const BEHIND_ALL_KEYS = Buffer.from([0xff])

export type Entry = [key: Uint8Array, value: Uint8Array]
export type KeyRange = { gte: Uint8Array } & ({ lt: Uint8Array } | { lte: Uint8Array })
type Level = ClassicLevel<Uint8Array, Uint8Array>
type Snapshot = ReturnType<Level['snapshot']>

/** A database as of one moment, whatever is written meanwhile. LevelDB keeps the old entries until {@link close}. */
export interface DatabaseMoment {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** The last entry of a range: one seek. */
  last(range: KeyRange): Promise<Entry | undefined>
  entries(range: KeyRange): AsyncGenerator<Entry>
  /** The entries of {@link entries}, as many at a time as LevelDB hands over. */
  steps(range: KeyRange): AsyncGenerator<Entry[]>
  close(): Promise<void>
}

/** One LevelDB handle on a Joinery log. After the first failed write only {@link close} may be called. */
export class Database {
  readonly storeId: string
  readonly #directory: string
  readonly #level: Level
  readonly #logs: WrittenLogs
  /** Foresees when LevelDB leaves its write-ahead log for a new one. */
  readonly logEnd = new LogEnd()
  #isLeaving = false

  private constructor(level: Level, directory: string, storeId: string) {
    this.#level = level
    this.#directory = directory
    this.#logs = new WrittenLogs(directory)
    this.storeId = storeId
  }

  /**
   * Opens `directory`, or makes a database there if it is missing or empty. With `storeId`, any other store there is
   * `corrupted`. Throws `corrupted`, `foreign_directory`, `unreadable`, `locked`, `storage_full` or `storage_failed`.
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

  /**
   * Reads on this thread: the keys asked for are absent or hot, and waking another thread costs ten times the look-up.
   */
  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return Promise.try(() => this.getNow(key))
  }

  /** {@link get}, without leaving this turn of the event loop. */
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

  /** Keys of a range, `count` at a time. */
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
   * Makes LevelDB leave its write-ahead log for a new one soon, while writes go on. LevelDB would do so by itself only
   * after thousands of writes, each of which needs an fsync until then.
   */
  leaveLog(): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    // If a large write makes LevelDB leave the log first, it leaves the next log as well, whatever that holds by then.
    const end = this.logEnd.beNear()
    const done = () => {
      this.#isLeaving = false
      end()
    }
    // For any range, LevelDB first writes its memory into a table. If that goes wrong, the next write fails.
    this.#level.compactRange(BEHIND_ALL_KEYS, BEHIND_ALL_KEYS).then(done, done)
  }

  /** Rewrites the tables of a range: see tidy.ts. */
  tidy(range: KeyRange): Promise<void> {
    return this.#guard(this.#level.compactRange(range.gte, 'lt' in range ? range.lt : range.lte))
  }

  /** Bytes that a range takes in tables, to within a block or two. Recent writes are in no table. */
  approximateBytes(range: { gte: Uint8Array; lte: Uint8Array }): Promise<number> {
    return this.#guard(this.#level.approximateSize(range.gte, range.lte))
  }

  /** The database as of now, for reads that take long. Close it when done. */
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

  /** Not `all()`, which allocates room for a thousand entries. */
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

  /** Writes all or nothing. Resolves when LevelDB has it in its log and, with `sync`, when the log is on the disk. */
  write(writes: readonly Write[], sync: boolean): Promise<void> {
    // Chained calls take 1.2 µs of CPU a write at 1,000 writes; an array of operations takes 2.9 µs (measured).
    const batch = this.#level.batch()
    for (const write of writes) {
      if (write.type === 'put') batch.put(write.key, write.value)
      else batch.del(write.key)
    }
    this.logEnd.wrote(writes)
    return this.#guard(sync ? batch.write({ sync }) : this.#logs.watch(() => batch.write()))
  }

  /** Resolves when everything written through this handle before the call is on the disk. Writes go on meanwhile. */
  async sync(): Promise<void> {
    await this.#guard(this.#logs.sync())
  }

  /** Writes with `sync`. Resolves when everything written through this handle before is on the disk as well. */
  async writeThrough(writes: readonly Write[]): Promise<void> {
    const before = this.#logs.newest
    await this.#guard(this.#logs.writeThrough(() => this.write(writes, true)))
    this.logEnd.looked(before !== undefined && this.#logs.newest !== before)
  }

  /** Call it after the last write: a lost end of the write-ahead log is noticed from then on. */
  markEnd(): Promise<void> {
    return this.#guard(markEnd(this.#directory))
  }

  close(): Promise<void> {
    return this.#guard(this.#level.close().finally(() => this.#logs.close()))
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
  // Never createIfMissing on an existing directory: LevelDB would start an empty database beside a lost CURRENT.
  const options = { createIfMissing: isNew, errorIfExists: false, writeBufferSize: WRITE_BUFFER_BYTES }
  try {
    await level.open(options)
  } catch (error) {
    const failure = storageError(error, directory)
    if (failure.code !== 'corrupted') throw failure
    // LevelDB does not fsync all files that a new database begins with. Power was lost then, before anything was
    // promised.
    if (isNew) await clearUnfinished(directory)
    // Without an id it may be another program's database.
    else if (found.storeId === undefined || !(await cutManifest(directory, observer))) throw failure
    await level.open(options).catch((again: unknown) => {
      throw storageError(again, directory)
    })
  }
  return level
}

/** Whether the manifest was torn, and has been cut. */
async function cutManifest(directory: string, observer: LogObserver | undefined): Promise<boolean> {
  const cut = await guarded(directory, cutTornManifest(directory))
  if (cut !== undefined) observer?.manifestCut?.(cut)
  return cut !== undefined
}

/** The id of the store in this database. A new database gets its identity here, before any other entry. */
async function identify(level: Level, directory: string, isNew: boolean, known: string | undefined): Promise<string> {
  const value = await level.get(IDENTITY_KEY)
  if (value !== undefined) {
    const storeId = decodeStoreIdentity(value, directory)
    if (known === undefined || storeId === known) return storeId
    throw new LogError('corrupted', `${directory} holds files of two stores: restore all of it from one copy`)
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
