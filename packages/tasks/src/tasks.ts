import type { LogRecord, Receipt } from '@joinery/log'
import type { Beat, BeatAnswer, Json, LeaseAsk, LeasedWork, StepDone, StepFailed, TaskSubject } from '@joinery/protocol'
import type { OwnWrites } from './documents.ts'
import type { Kept, TaskState, TaskView } from './task.ts'

/** A request for a task. */
export interface StartRequest {
  readonly saga: string
  /** The version that workers announced last, by default. */
  readonly version?: number
  readonly input: Json
  readonly subject?: TaskSubject
  /** The same task is answered for the same key. */
  readonly key?: string
  readonly by: { readonly actor: string; readonly source: string }
  readonly traceparent?: string
  /** True when the answer waits for an fsync. */
  readonly sync?: boolean
}

export interface Started {
  readonly task: TaskView
  readonly isRepeated: boolean
}

export interface TaskList {
  readonly tasks: readonly TaskView[]
  /** LSN of the last record about any task of the workspace. */
  readonly lsn: number
  /** Pass it as `after` for the next page; undefined at the end. */
  readonly next?: string
}

/** A task that has not ended. */
export interface OpenTask extends Pick<TaskView, 'id' | 'input' | 'state'> {
  /** The key of its start, if it had one. */
  readonly key: string | undefined
}

/** One event of a task, for people and programs that follow it. */
export interface TaskEvent {
  readonly lsn: number
  readonly at: number
  /** Type of the journal's event, such as `step.done`. */
  readonly type: string
  /** The task as it stands after the event. */
  readonly task: TaskView
}

type By = { readonly actor: string; readonly source: string }

/** The tasks of all workspaces of one server. Methods about a task reject with `unknown_task` (`TaskError`). */
export interface Tasks {
  start(workspace: string, request: StartRequest): Promise<Started>
  /**
   * Asks for a task in the turn of the event loop in which `record` was appended to the workspace's log: the request is one
   * write with the record. Does nothing for a key that was seen before, and starts no task while one with the same subject is open.
   */
  ask(workspace: string, record: LogRecord, request: StartRequest & { readonly key: string }): void
  /** The task as it stands, once all of that is durable; so it is with {@link list}. */
  find(workspace: string, task: string): Promise<TaskView>
  list(
    workspace: string,
    query: {
      readonly states?: readonly TaskState[]
      readonly saga?: string
      readonly after?: string
      readonly limit: number
    },
  ): Promise<TaskList>
  /** The open tasks of a saga. Each is told at once, before it is durable: another start may depend on it. */
  openOf(workspace: string, saga: string): Promise<readonly OpenTask[]>
  /**
   * Resolves with the LSN of the last record about any task of the workspace once that is above `after`, or as it stands when `signal`
   * aborts. To go on, give it as the next `after`: with an older one the wait is over at once.
   */
  untilChanged(workspace: string, options: { readonly after: number; readonly signal: AbortSignal }): Promise<number>
  /** The events of a task after an LSN, then each new one until the task has ended. */
  events(
    workspace: string,
    task: string,
    options: { readonly after: number; readonly signal: AbortSignal },
  ): AsyncIterable<TaskEvent>
  cancel(workspace: string, task: string, by: By): Promise<TaskView>
  /** Goes on with the step that failed. Its results so far are kept. */
  retry(workspace: string, task: string, by: By): Promise<TaskView>
  /** Takes the step that failed for done, with a result. */
  skip(workspace: string, task: string, step: string, result: Json, by: By): Promise<TaskView>
  /** Ends the task and takes nothing back. */
  terminate(workspace: string, task: string, by: By): Promise<TaskView>
  /** Lets go on what is paused after a restore or an import. */
  resume(workspace: string, by: By): Promise<number>
  signal(
    workspace: string,
    task: string,
    signal: { readonly name: string; readonly id?: string; readonly payload: Json },
    by: By,
  ): Promise<TaskView>

  /**
   * Gives attempts to a worker, and waits up to `waitMs` for the first.
   *
   * @param allows whether the worker's token allows the saga, and the workspace
   */
  lease(ask: LeaseAsk, allows: (saga: string, workspace: string) => boolean, signal: AbortSignal): Promise<LeasedWork[]>
  beat(token: string, beat: Beat): Promise<BeatAnswer>
  done(token: string, done: StepDone): Promise<void>
  failed(token: string, failed: StepFailed): Promise<void>
  release(token: string): Promise<void>
  /** Throws `lease_lost` unless the lease of the token stands, in this very turn. */
  assertStands(workspace: string, token: string): void
  /** The writes of an attempt's task so far. Throws `lease_lost` unless the lease of the token stands. */
  ownWrites(workspace: string, token: string): OwnWrites
  /**
   * Appends to the journal that the attempt has written a record. `touched` are blocks that somebody else had changed before.
   * Called in that record's turn.
   */
  wrote(token: string, record: { readonly lsn: number; readonly touched: readonly Kept[] }): Pick<Receipt, 'durable'>
  close(): Promise<void>
}
