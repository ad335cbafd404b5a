import type { Clock } from '../clock.ts'
import type { Durability, StoreState } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { LogObserver } from '../observer.ts'
import { SYNC_MARK_KEY } from '../records/key.ts'
import type { Write } from '../records/write.ts'
import { storageError } from '../storage-error.ts'
import { reopenDelayMs } from './back-off.ts'
import { BackgroundSync } from './background-sync.ts'
import { Group } from './group.ts'
import type { LogEnd } from './log-end.ts'
import type { RollCall } from './roll-call.ts'
import { countRecords, tellOfWrite } from './tell-of-write.ts'

/** The disk that groups are written to. After any error a fresh one replaces it. */
export interface Disk {
  readonly logEnd: LogEnd
  /** Makes LevelDB leave its write-ahead log for a new one soon, while writes go on. */
  leaveLog(): void
  write(writes: readonly Write[], sync: boolean): Promise<void>
  /** Writes with `sync`. Resolves when everything written before is on the disk as well. */
  writeThrough(writes: readonly Write[]): Promise<void>
  /** Resolves when everything written before the call is on the disk. Writes go on meanwhile. */
  sync(): Promise<void>
  /** Called after the last write, before {@link close}. */
  markEnd(): Promise<void>
  close(): Promise<void>
}

export interface GroupCommitOptions<D extends Disk> {
  readonly directory: string
  readonly durability: Exclude<Durability, 'memory'>
  /** `async` only: time from the first write that no fsync covers to the beginning of the fsync that covers it, ms. */
  readonly windowMs: number
  readonly clock: Clock
  readonly disk: D
  readonly rollCall: RollCall
  /** Throws the error that {@link reopen} would meet, as far as that can be told while the failed disk stays open. */
  readonly probe: () => Promise<void>
  /** Opens the database of `disk` again. */
  readonly reopen: () => Promise<D>
  /**
   * Throws `corrupted` unless everything that was durable before is there. `rewritten` is about to be written again.
   */
  readonly verify: (disk: D, rewritten: readonly Write[]) => Promise<void>
  readonly onStateChange: (state: StoreState) => void
  readonly observer?: LogObserver
}

/** Most writes in one batch of a rewrite, so that recovery needs no more room than a busy moment. */
const REWRITE_WRITES = 4096
/**
 * Longest time that a group gathers, ms. A batch costs about 0.4 ms of CPU with its way to LevelDB's thread and back, an
 * append a hundredth of that. Edits of one moment come in a few turns that follow each other: those of twenty writers, to
 * two hundred readers, take about five milliseconds.
 */
const GATHER_MS_MAX = 5
const OPEN: StoreState = { state: 'open' }
/** Entry that only makes LevelDB fsync its log. */
const SYNC_MARK: Write = { type: 'put', key: SYNC_MARK_KEY, value: new Uint8Array(0) }

/**
 * Gathers what turns of the event loop that follow each other append into one write, and gathers on while that write is
 * under way.
 * After any error nothing is acknowledged until the disk was reopened and everything not surely on it written again.
 * An error with the code `fenced` is final: the disk is not reopened, and everything that waits rejects with it.
 */
export class GroupCommit<D extends Disk> {
  readonly #options: GroupCommitOptions<D>
  #disk: D
  #failure: LogError | undefined
  /** The failed disk is closed, or a disk opened since lacks writes that may be missing on it. */
  #isUnreadable = false
  #closing: Promise<void> | undefined
  /** Takes appends; not yet handed to the disk. */
  #collecting: Group | undefined
  /** Writes in {@link #collecting} when {@link #gather} last looked. */
  #gathered = 0
  #inFlight: Group | undefined
  /** The fsyncs beside the writes (`async` only). */
  readonly #syncs: BackgroundSync
  /** Whether the next write has to be fsynced. */
  #isSyncDue = false
  /** The write loop or the recovery, whichever runs. They never run together. */
  #work: Promise<void> | undefined
  #wakeRecovery: (() => void) | undefined

  constructor(options: GroupCommitOptions<D>) {
    this.#options = options
    this.#disk = options.disk
    this.#syncs = new BackgroundSync({
      ...options,
      sync: () => this.#disk.sync(),
      onFailed: (error) => {
        // A write under way notices it when it ends, and a recovery writes again what this fsync was to cover.
        if (this.#work === undefined && this.#failure === undefined) this.#startRecovery(error)
      },
    })
  }

  get state(): StoreState {
    if (this.#closing !== undefined) return { state: 'closed' }
    if (this.#failure !== undefined) return { state: 'failed', error: this.#failure }
    return OPEN
  }

  /** The error that no reopening can mend: another writer holds the disk now. Undefined as long as there is none. */
  get fence(): LogError | undefined {
    return this.#failure?.code === 'fenced' ? this.#failure : undefined
  }

  /** The disk, for reading before writing. Throws `closed`, or the storage error while storage fails. */
  get disk(): D {
    this.assertOpen()
    return this.#disk
  }

  /**
   * The disk, for reading only. A failed disk still has everything that it acknowledged: it is read until it is closed
   * to be reopened. From then until storage works again this throws the storage error. Throws `closed`.
   */
  get readable(): D {
    this.#assertNotClosed()
    if (this.#isUnreadable && this.#failure !== undefined) throw this.#failure
    return this.#disk
  }

  assertOpen(): void {
    this.#assertNotClosed()
    if (this.#failure !== undefined) throw this.#failure
  }

  #assertNotClosed(): void {
    if (this.#closing !== undefined) throw new LogError('closed', `the log in ${this.#options.directory} is closed`)
  }

  /** The group that takes writes now. Add writes in this turn of the event loop, and call {@link assertOpen} before. */
  group(): Group {
    if (this.#collecting === undefined) {
      this.#collecting = new Group()
      this.#gathered = 0
      if (this.#work === undefined) setImmediate(this.#gather)
    }
    return this.#collecting
  }

  /** Writes not yet known to be on the disk, in order. */
  *waiting(): Iterable<Write> {
    if (this.#inFlight !== undefined) yield* this.#inFlight.writes
    if (this.#collecting !== undefined) yield* this.#collecting.writes
  }

  /**
   * Writes what waits, fsyncs, and closes the disk. Rejects with the storage error if something could not be made safe.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Starts to write once a whole turn has brought no more appends, or the group has gathered for long enough. */
  readonly #gather = (): void => {
    const group = this.#collecting
    if (group !== undefined && group.writes.length > this.#gathered) {
      this.#gathered = group.writes.length
      if (performance.now() - group.startMs < GATHER_MS_MAX) return void setImmediate(this.#gather)
    }
    this.#start()
  }

  readonly #start = (): void => {
    if (this.#work !== undefined || this.#failure !== undefined) return
    if (this.#collecting !== undefined || this.#isSyncDue) this.#work = this.#writeGroups()
  }

  async #writeGroups(): Promise<void> {
    try {
      for (let group = this.#nextGroup(); group !== undefined; group = this.#nextGroup()) {
        this.#inFlight = group
        this.#options.rollCall.attend(group.writes)
        const isSynced = await this.#write(group)
        // In one turn with what follows: an fsync that fails later finds no write under way, or the next one.
        this.#syncs.assertWell()
        this.#inFlight = undefined
        this.#resolve(group, isSynced)
        if (!isSynced) this.#syncs.wrote(group)
      }
      this.#work = undefined
    } catch (error) {
      this.#startRecovery(error)
    }
  }

  #startRecovery(error: unknown): void {
    this.#fail(storageError(error, this.#options.directory))
    if (this.fence !== undefined) return this.#giveUp(this.fence)
    // Recovery writes the group as it is then: nothing is added to it any more.
    if (this.#collecting !== undefined) this.#options.rollCall.attend(this.#collecting.writes)
    this.#work = this.#recover()
  }

  #nextGroup(): Group | undefined {
    const group = this.#collecting ?? (this.#isSyncDue ? new Group() : undefined)
    this.#collecting = undefined
    // LevelDB writes and fsyncs nothing for an empty batch. All writes of a group may have been taken back.
    if (group?.writes.length === 0) group.writes.push(SYNC_MARK)
    return group
  }

  /** Resolves with whether an fsync has the group, once it is written. */
  async #write(group: Group): Promise<boolean> {
    const { durability, observer } = this.#options
    const startMs = performance.now()
    // Everything in the log must be in an fsync when LevelDB leaves it.
    const isLast = this.#disk.logEnd.isNear(group.writes)
    const isSynced = durability === 'sync' || this.#isSyncDue || isLast
    if (durability === 'sync') await this.#disk.write(group.writes, true)
    else if (isSynced) {
      this.#isSyncDue = false
      // Of two fsyncs at once, one may take the error of the other, and LevelDB may leave the log under the other.
      await this.#syncs.stop()
      await this.#disk.writeThrough(group.writes)
      this.#syncs.covered()
      if (this.#disk.logEnd.isDue) this.#disk.leaveLog()
    } else await this.#disk.write(group.writes, false)
    tellOfWrite(observer, group.writes, performance.now() - startMs, isSynced)
    return isSynced
  }

  #resolve(group: Group, isSynced: boolean): void {
    if (isSynced) group.resolveSynced()
    else group.resolveDurable()
    this.#options.observer?.durable?.(performance.now() - group.startMs, countRecords(group.writes))
  }

  #fail(error: LogError): void {
    const isNews = this.#failure?.code !== error.code || this.#failure.message !== error.message
    this.#failure = error
    this.#isSyncDue = false
    this.#syncs.cancel()
    if (isNews && this.#closing === undefined) this.#options.onStateChange(this.state)
  }

  /** Rejects what waits: the disk takes nothing more. Records that waited can still be read, and are never written. */
  #giveUp(fence: LogError): void {
    for (const group of this.#unsafe) group.reject(fence)
    this.#work = undefined
  }

  /** Reopens the disk until that works or is known to be impossible. Once the store closes, it tries one last time. */
  async #recover(): Promise<void> {
    const startMs = performance.now()
    await this.#syncs.running
    for (let attempt = 0; ; attempt++) {
      await this.#pause(reopenDelayMs(attempt))
      const isLastAttempt = this.#closing !== undefined
      try {
        await this.#reopen()
        this.#options.observer?.recovered?.(performance.now() - startMs)
        break
      } catch (error) {
        this.#fail(storageError(error, this.#options.directory))
        if (this.fence !== undefined) return this.#giveUp(this.fence)
        if (isLastAttempt) break
      }
    }
    this.#work = undefined
    // A listener that heard of the recovery may have appended before this line.
    this.#start()
  }

  #pause(delayMs: number): Promise<void> {
    if (this.#closing !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(delayMs, resolve)
      this.#wakeRecovery = () => {
        cancel()
        resolve()
      }
    })
  }

  async #reopen(): Promise<void> {
    // Closing must not wait for room.
    if (this.#closing === undefined) await this.#options.probe()
    this.#isUnreadable = true
    // A handle that has failed once may acknowledge writes that are gone after a restart: it is never written to again.
    await this.#disk.close()
    this.#disk = await this.#options.reopen()
    const groups = this.#unsafe.map(({ writes }) => writes)
    const rewritten = [this.#inFlight, this.#collecting].filter((group) => group !== undefined)
    await this.#options.verify(this.#disk, groups.flat())
    for (const batch of gather(groups)) await this.#disk.write(batch, true)
    this.#syncs.covered()
    this.#inFlight = undefined
    this.#collecting = undefined
    this.#failure = undefined
    this.#isUnreadable = false
    if (this.#closing === undefined) this.#options.onStateChange(this.state)
    for (const group of rewritten) this.#resolve(group, true)
  }

  async #close(): Promise<void> {
    // The code up to here runs before #closing is set: the await lets the caller set it.
    await Promise.resolve()
    this.#options.onStateChange(this.state)
    this.#syncs.cancel()
    this.#wakeRecovery?.()
    if (this.#options.durability === 'async' && this.#unsafe.length > 0) this.#isSyncDue = true
    this.#start()
    for (let work = this.#work ?? this.#syncs.running; work !== undefined; work = this.#work ?? this.#syncs.running)
      await work
    if (this.#failure === undefined) await this.#sayFarewell()
    const failure = this.#failure
    const closed = new LogError('closed', `the log in ${this.#options.directory} closed before this was durable`, {
      cause: failure,
    })
    for (const group of this.#unsafe) group.reject(closed)
    await this.#disk.close()
    if (failure !== undefined) throw failure
  }

  async #sayFarewell(): Promise<void> {
    try {
      for (const writes of this.#options.rollCall.farewell()) await this.#disk.write(writes, true)
      await this.#disk.markEnd()
    } catch (error) {
      this.#failure = storageError(error, this.#options.directory)
    }
  }

  /** Groups that no fsync has for sure, in the order in which they were or will be written. */
  get #unsafe(): readonly Group[] {
    return [...this.#syncs.unsynced, this.#inFlight, this.#collecting].filter((group) => group !== undefined)
  }
}

/**
 * Puts small groups together into batches, and never splits a group: a group that was written all or not at all stays
 * so if this is cut short.
 */
function* gather(groups: readonly (readonly Write[])[]): Generator<Write[]> {
  let batch: Write[] = []
  for (const writes of groups) {
    if (batch.length > 0 && batch.length + writes.length > REWRITE_WRITES) {
      yield batch
      batch = []
    }
    for (const write of writes) batch.push(write)
  }
  if (batch.length > 0) yield batch
}
