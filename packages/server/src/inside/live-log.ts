import { LogError, type LogRecord, type LogState, type Lsn, type WorkspaceLog } from '@joinery/log'
import type { RoomFollower } from '../room/room-follower.ts'
import type { ServerError } from '../server-error.ts'
import type { TailCursor } from './tail-cursor.ts'

/** Records that become durable together. */
interface Group {
  readonly durable: Promise<void>
  readonly records: LogRecord[]
  through: Lsn
  isDurable: boolean
}

/**
 * One workspace's log as its tails see it: the position up to which it is durable, and the records that have just
 * become durable. It exists while the workspace has a tail.
 */
export class LiveLog implements RoomFollower {
  readonly #onEnded: () => void
  readonly #cursors = new Set<TailCursor>()
  /** Groups that are not durable yet, in order. */
  readonly #groups: Group[] = []
  #log: WorkspaceLog | undefined
  #unsubscribe: (() => void) | undefined
  #durableThrough = 0 as Lsn
  #stateChanges = 0
  #error: Error | undefined

  constructor(onEnded: () => void) {
    this.#onEnded = onEnded
  }

  /** LSN of the last record that tails may give. */
  get durableThrough(): Lsn {
    return this.#durableThrough
  }

  /** The log; undefined until the room is open. */
  get log(): WorkspaceLog | undefined {
    return this.#log
  }

  /** Number of times that the log has changed its state since it has a tail. */
  get stateChanges(): number {
    return this.#stateChanges
  }

  add(cursor: TailCursor): void {
    this.#cursors.add(cursor)
    if (this.#error !== undefined) cursor.end(this.#error)
  }

  remove(cursor: TailCursor): void {
    this.#cursors.delete(cursor)
  }

  opened(log: WorkspaceLog, durable: Promise<void>): void {
    this.#log = log
    this.#unsubscribe = log.onStateChange((state) => this.#stateOnChange(state))
    this.#await({ durable, records: [], through: log.head, isDurable: false })
  }

  appended(record: LogRecord, durable: Promise<void>): void {
    const last = this.#groups.at(-1)
    if (last?.durable !== durable) {
      return this.#await({ durable, records: [record], through: record.lsn, isDurable: false })
    }
    last.records.push(record)
    last.through = record.lsn
  }

  closed(reason: ServerError): void {
    this.end(reason)
  }

  /** Ends every tail with `error`. No record comes after this. */
  end(error: Error): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.stop()
    this.#onEnded()
    for (const cursor of this.#cursors) cursor.end(error)
  }

  /** Forgets the log, after the last tail is over. */
  stop(): void {
    this.#groups.length = 0
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
  }

  #stateOnChange(state: LogState): void {
    this.#stateChanges++
    if (state.state === 'fenced') return this.end(state.error)
    if (state.state === 'closed')
      return this.end(new LogError('closed', 'the log was closed: open it again to read on'))
    // Tails that wait for storage read again.
    for (const cursor of this.#cursors) cursor.wake()
  }

  #await(group: Group): void {
    this.#groups.push(group)
    group.durable.then(
      () => {
        group.isDurable = true
        this.#advance()
      },
      (error: Error) => this.end(error),
    )
  }

  /**
   * Gives groups to the tails in order. They may become durable in another order: an fsynced append may overtake
   * others.
   */
  #advance(): void {
    for (let group = this.#groups[0]; group?.isDurable; group = this.#groups[0]) {
      this.#groups.shift()
      this.#durableThrough = group.through
      for (const cursor of this.#cursors) cursor.offer(group.records)
    }
  }
}
