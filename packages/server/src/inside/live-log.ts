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
 * One workspace's log as its tails see it: how far it is durable, and the records that have just become so. It exists while
 * the workspace has a tail.
 */
export class LiveLog implements RoomFollower {
  readonly #onEnded: () => void
  readonly #cursors = new Set<TailCursor>()
  /** Not durable yet, in order. */
  readonly #groups: Group[] = []
  #log: WorkspaceLog | undefined
  #unsubscribe: (() => void) | undefined
  #durableThrough = 0 as Lsn
  #stateChanges = 0
  #error: Error | undefined

  constructor(onEnded: () => void) {
    this.#onEnded = onEnded
  }

  /** LSN of the last record that may be told. */
  get durableThrough(): Lsn {
    return this.#durableThrough
  }

  /** Undefined until the room is open. */
  get log(): WorkspaceLog | undefined {
    return this.#log
  }

  /** How often the log has changed its state while it had a tail. */
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

  /** No record comes after this: every tail throws `error`. */
  end(error: Error): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.stop()
    this.#onEnded()
    for (const cursor of this.#cursors) cursor.end(error)
  }

  /** Forgets the log: the last tail is over. */
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
    // Tails that wait for storage look again.
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

  /** In order, whatever the order in which groups become durable: an append that asked for an fsync may overtake others. */
  #advance(): void {
    for (let group = this.#groups[0]; group?.isDurable; group = this.#groups[0]) {
      this.#groups.shift()
      this.#durableThrough = group.through
      for (const cursor of this.#cursors) cursor.offer(group.records)
    }
  }
}
