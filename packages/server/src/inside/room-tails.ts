import type { LogRecord, WorkspaceLog } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Rooms } from '../room/rooms.ts'
import { historyDropped, ServerError } from '../server-error.ts'
import { LiveLog } from './live-log.ts'
import type { TailOptions, Tails } from './tail.ts'
import { TailCursor } from './tail-cursor.ts'

/** A workspace with a tail, or one that is being opened for a tail. */
interface Followed {
  readonly workspace: WorkspaceId
  readonly live: LiveLog
  /** Resolves, with unfollow, when the room is open. */
  readonly opened: Promise<() => void>
  tails: number
}

/** Tails of the workspaces whose rooms are in this process. A workspace without a tail costs nothing. */
export class RoomTails implements Tails {
  readonly #rooms: Rooms
  readonly #followed = new Map<WorkspaceId, Followed>()

  constructor(rooms: Rooms) {
    this.#rooms = rooms
  }

  async *tail(workspace: WorkspaceId, { after, signal }: TailOptions): AsyncGenerator<LogRecord> {
    if (signal?.aborted) return
    const cursor = new TailCursor(after)
    const signalOnAbort = (): void => cursor.end()
    signal?.addEventListener('abort', signalOnAbort)
    const followed = this.#follow(workspace)
    followed.live.add(cursor)
    try {
      await cursor.unlessOver(followed.opened)
      yield* this.#records(followed.live, cursor)
      if (cursor.error !== undefined) throw cursor.error
    } finally {
      signal?.removeEventListener('abort', signalOnAbort)
      followed.live.remove(cursor)
      this.#release(followed)
    }
  }

  async *#records(live: LiveLog, cursor: TailCursor): AsyncGenerator<LogRecord> {
    const { log } = live
    if (log === undefined || cursor.isOver) return
    if (cursor.lsn > log.head) {
      throw new ServerError('unknown_lsn', `the log ends at ${log.head}, before ${cursor.lsn}: begin at a smaller LSN`)
    }
    while (!cursor.isOver) {
      const record = cursor.take()
      if (record !== undefined) yield record
      else if (cursor.lsn < live.durableThrough) yield* this.#stored(log, live, cursor)
      else await cursor.news()
    }
  }

  /**
   * Reads the records from the log that are durable by now. While storage fails, waits and returns, to be called again.
   */
  async *#stored(log: WorkspaceLog, live: LiveLog, cursor: TailCursor): AsyncGenerator<LogRecord> {
    if (cursor.lsn + 1 < log.firstLsn) throw historyDropped(log.firstLsn, cursor.lsn + 1)
    const { durableThrough, stateChanges } = live
    const records = log.read({ after: cursor.lsn, through: durableThrough })[Symbol.asyncIterator]()
    try {
      while (!cursor.isOver) {
        const step = await cursor.unlessOver(records.next())
        if (step === undefined || step.done) return
        cursor.passed(step.value.lsn)
        yield step.value
      }
    } catch (error) {
      // A recovery closes the files that are read from. If storage failed meanwhile, the error comes from that.
      if (log.state.state !== 'failed' && live.stateChanges === stateChanges) throw error
      while (!cursor.isOver && log.state.state === 'failed') await cursor.news()
    } finally {
      // Not awaited: if the read hangs, its caller could not leave.
      void records.return?.().catch(() => undefined)
    }
  }

  #follow(workspace: WorkspaceId): Followed {
    const known = this.#followed.get(workspace)
    if (known !== undefined) {
      known.tails++
      return known
    }
    const live = new LiveLog(() => this.#forget(followed))
    const followed: Followed = { workspace, live, opened: this.#rooms.follow(workspace, live), tails: 1 }
    this.#followed.set(workspace, followed)
    followed.opened.catch(() => this.#forget(followed))
    return followed
  }

  #release(followed: Followed): void {
    if (--followed.tails > 0) return
    this.#forget(followed)
    followed.opened.then(
      (unfollow) => {
        unfollow()
        followed.live.stop()
      },
      () => undefined,
    )
  }

  #forget(followed: Followed): void {
    if (this.#followed.get(followed.workspace) === followed) this.#followed.delete(followed.workspace)
  }
}
