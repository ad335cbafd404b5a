import type { Json, TaskSubject } from './work.ts'

/** The state of a task: SPEC.md says what each means. */
export type TaskState =
  | 'queued'
  | 'running'
  | 'waiting'
  | 'stalled'
  | 'compensating'
  | 'needs_attention'
  | 'done'
  | 'failed'
  | 'compensated'
  | 'compensated_partly'
  | 'canceled'

/** The reason why a task waits. */
export type WaitCode =
  | 'retry'
  | 'sleep'
  | 'signal'
  | 'breaker_open'
  | 'no_worker'
  | 'no_worker_for_version'
  | 'paused'
  | 'storage'
  | 'operator'

export interface Waiting {
  readonly code: WaitCode
  /** Tells people the cause. */
  readonly reason: string
  /** Time at which it goes on by itself, ms since epoch; undefined if somebody has to do something. */
  readonly until?: number
}

export type StepState =
  | 'pending'
  | 'running'
  | 'waiting'
  | 'done'
  | 'failed'
  | 'unsure'
  | 'skipped'
  | 'compensating'
  | 'compensated'
  | 'kept'
  | 'undo_failed'

export interface StepView {
  readonly name: string
  readonly kind: 'step' | 'each' | 'sleep' | 'signal'
  readonly state: StepState
  /** Items that are done, and items in all; 0 or 1 of 1 for a step without items. */
  readonly done: number
  readonly total: number
  /** Number of the attempt that runs or ran last, from 1; 0 before the first. */
  readonly attempt: number
  /** Amounts and words that the running attempt has told. */
  readonly progress?: { readonly progress?: number; readonly total?: number; readonly note?: string }
  /** Names of the workers that run it now. */
  readonly workers?: readonly string[]
  readonly error?: { readonly message: string; readonly class: string }
  readonly result?: Json
}

/** A block that was not taken back, since somebody else has changed it. */
export interface Kept {
  readonly block: string
  /** LSN of the change. */
  readonly version: number
  /** Actor of the change. */
  readonly by: string
}

/** A task as everybody who may read its workspace sees it. */
export interface TaskView {
  readonly id: string
  readonly workspace: string
  readonly saga: string
  readonly version: number
  readonly state: TaskState
  readonly steps: readonly StepView[]
  readonly input: Json
  readonly subject?: TaskSubject
  /** Set in every state but the last ones and `running`. */
  readonly waiting?: Waiting
  readonly error?: { readonly message: string; readonly class: string; readonly step?: string }
  readonly kept: readonly Kept[]
  /** Steps and items of a task that needs attention which could not be done, or taken back. */
  readonly undone?: readonly { readonly step: string; readonly item?: string; readonly error: string }[]
  /** Results of the steps by name, once the task is done. */
  readonly results?: Readonly<Record<string, Json>>
  /** Actor who started it. */
  readonly by: string
  readonly startedAt: number
  readonly updatedAt: number
  readonly endedAt?: number
  readonly deadlineAt?: number
  /** Whether somebody has asked for its end. */
  readonly isCanceling: boolean
  /** LSN of its last record in its journal. */
  readonly lsn: number
}
