import type { LogRecord, Lsn, WorkspaceLog } from '@joinery/log'
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
  #durableThrough = 0 as Lsn
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

  add(cursor: TailCursor): void {
    this.#cursors.add(cursor)
    if (this.#error !== undefined) cursor.end(this.#error)
  }

  remove(cursor: TailCursor): void {
    this.#cursors.delete(cursor)
  }

  opened(log: WorkspaceLog, durable: Promise<void>): void {
    this.#log = log
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

  /** Storage has failed or works again: tails that wait for it look again. */
  wake(): void {
    for (const cursor of this.#cursors) cursor.wake()
  }

  /** No record comes after this: every tail throws `error`. */
  end(error: Error): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#groups.length = 0
    this.#onEnded()
    for (const cursor of this.#cursors) cursor.end(error)
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
