import type { LogRecord } from '@joinery/server'
import type { Commit, Kept } from '@joinery/tasks'
import { TASK_AUTHOR } from './task-status.ts'

/** Connection that the records of a task name. */
export const connectionOf = ({ task }: Pick<Commit, 'task'>): string => `task:${task}`

/** Thrown in the turn of a commit: these records are in its way, and must be read before it is decided whose they are. */
export class UnknownRecords extends Error {
  readonly lsns: readonly number[]

  constructor(lsns: readonly number[]) {
    super(`the records ${lsns.join(', ')} were not looked at`)
    this.lsns = lsns
  }
}

/**
 * Records of a task that its journal does not tell of. A step's record is in the workspace's log before its event is in the journal:
 * when the machine of both dies in between, or the journal is set back, the workspace alone has it.
 */
export class UntoldRecords {
  readonly #commit: Commit
  readonly #looked = new Set<number>()
  readonly #own = new Set<number>()

  constructor(commit: Commit) {
    this.#commit = commit
  }

  /** Whether the record of this LSN was written by the task, as far as that is known. */
  readonly isOwn = (lsn: number): boolean => this.#own.has(lsn) || this.#commit.isOwn(lsn)

  /** Throws {@link UnknownRecords} if one of these changes may be the task's own. */
  assertKnown(changes: readonly Kept[]): void {
    const unknown = changes.filter(({ by, version }) => by === TASK_AUTHOR.actor && !this.#looked.has(version))
    if (unknown.length > 0) throw new UnknownRecords(unknown.map(({ version }) => version))
  }

  /** Takes what the log has at an LSN: undefined if it was dropped. */
  learn(lsn: number, record: LogRecord | undefined): void {
    this.#looked.add(lsn)
    const { actor, source } = TASK_AUTHOR
    const isOwn =
      record?.actor === actor && record.source === source && record.connection === connectionOf(this.#commit)
    if (isOwn) this.#own.add(lsn)
  }
}
