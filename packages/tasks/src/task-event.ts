import type { FailureClass, Json, SagaShape, TaskSubject } from '@joinery/protocol'
import type { Kept } from './task.ts'

/** The kinds of attempts: to plan a task or an `each` step, to run a step or item, and to take one back. */
export type AttemptKind = 'plan' | 'run' | 'undo'

/** Names what an attempt is made of. A plan without a step is that of the task itself. */
export interface Target {
  readonly task: string
  readonly kind: AttemptKind
  readonly step?: string | undefined
  /** Key of the item, of an `each` step. */
  readonly item?: string | undefined
}

export interface Failure {
  readonly message: string
  readonly class: FailureClass
}

export interface By {
  readonly actor: string
  readonly source: string
}

/** The author of an event that nobody asked for. */
export const ENGINE: By = { actor: 'joinery', source: 'server' }

export interface Item {
  readonly key: string
  readonly value: Json
}

/** The consequence of an attempt that did not go well. `attention`: it may have happened, and is not made again. */
export type Verdict = 'retry' | 'failed' | 'attention'

/** Why it is not known whether an attempt has happened. */
export type UnsureWhy = 'lease_expired' | 'server_restart' | 'timed_out' | 'canceled' | 'copied'

export type TurnWhy = 'failed' | 'canceled' | 'deadline'

export type TaskEnd = 'done' | 'failed' | 'compensated' | 'compensated_partly' | 'canceled'

/** One event of a task, as its journal keeps it. Times are ms since epoch. */
export type TaskEventBody =
  | {
      readonly type: 'started'
      readonly task: string
      readonly saga: SagaShape
      readonly input: Json
      readonly subject?: TaskSubject | undefined
      readonly by: By
      readonly key?: string | undefined
      /** Digest of the request's body. */
      readonly body: string
      readonly traceparent?: string | undefined
      readonly deadlineAt?: number | undefined
      readonly bytes: number
    }
  /** The task goes on by another version's steps. */
  | { readonly type: 'moved'; readonly task: string; readonly saga: SagaShape }
  | ({
      readonly type: 'leased'
      readonly attempt: number
      readonly worker: string
      readonly nonce: string
      readonly leaseMs?: number | undefined
    } & Target)
  /** The attempt went well. `answer` is the digest of all that the worker said. */
  | ({
      readonly type: 'done'
      readonly answer?: string | undefined
      readonly result?: Json | undefined
      readonly subject?: TaskSubject | undefined
      readonly items?: readonly Item[] | undefined
      readonly kept?: readonly Kept[] | undefined
      readonly touched?: readonly Kept[] | undefined
      /** LSN of the record that was written with this event. */
      readonly record?: number | undefined
      /** The signal that the step has taken. */
      readonly signal?: string | undefined
      readonly bytes: number
    } & Target)
  | ({
      readonly type: 'failed'
      readonly error: Failure
      readonly verdict: Verdict
      readonly retryAt?: number | undefined
      readonly answer?: string | undefined
      readonly details?: Json | undefined
    } & Target)
  | ({
      readonly type: 'unsure'
      readonly why: UnsureWhy
      readonly verdict: Verdict
      readonly retryAt?: number | undefined
      readonly details?: Json | undefined
    } & Target)
  /** The worker gave the lease back, and had done nothing. */
  | ({ readonly type: 'released' } & Target)
  /** There are news of what the attempts wait for: the next one is made at once. */
  | ({ readonly type: 'woken' } & Target)
  /** A sleep or a wait for a signal has begun. */
  | {
      readonly type: 'waiting'
      readonly task: string
      readonly step: string
      readonly until?: number | undefined
    }
  | {
      readonly type: 'wrote'
      readonly task: string
      readonly record: number
      readonly touched?: readonly Kept[] | undefined
    }
  /** From here on the task is taken back. */
  | {
      readonly type: 'turned'
      readonly task: string
      readonly why: TurnWhy
      readonly by?: By | undefined
      readonly error?: (Failure & { readonly step?: string | undefined }) | undefined
    }
  /** The deadline is over, and the task can't be taken back. */
  | { readonly type: 'overdue'; readonly task: string }
  | { readonly type: 'retried'; readonly task: string; readonly by: By; readonly deadlineAt?: number | undefined }
  | {
      readonly type: 'skipped'
      readonly task: string
      readonly step: string
      readonly result: Json
      readonly by: By
      readonly bytes: number
    }
  | {
      readonly type: 'signaled'
      readonly task: string
      readonly name: string
      readonly id: string
      readonly payload: Json
      readonly by: By
      readonly bytes: number
    }
  /** Whether the document shows less than the journal knows, since it could not take part. */
  | { readonly type: 'projected'; readonly task: string; readonly isUnprojected: boolean }
  | {
      readonly type: 'ended'
      readonly task: string
      readonly state: TaskEnd
      readonly error?: (Failure & { readonly step?: string | undefined }) | undefined
      readonly by?: By | undefined
    }

/** One event of a workspace's journal. */
export type JournalEvent =
  | TaskEventBody
  /** The journal goes on in another copy of the data: leases have ended, and tasks wait until somebody lets them go on. */
  | { readonly type: 'copied'; readonly copy: string }
  | { readonly type: 'resumed'; readonly by: By }
  /** Tasks that ended long ago leave the state. */
  | { readonly type: 'swept'; readonly tasks: readonly string[] }

/** The name of an event for people and programs that follow a task, such as `step.done`. */
export function nameOfEvent(event: TaskEventBody): string {
  switch (event.type) {
    case 'leased':
    case 'failed':
    case 'unsure':
    case 'released':
    case 'woken':
      return `${SUBJECTS[event.kind]}.${event.type}`
    case 'done':
      return event.kind === 'undo' && (event.kept ?? []).length > 0 ? 'undo.kept' : `${SUBJECTS[event.kind]}.done`
    case 'waiting':
    case 'wrote':
      return `step.${event.type}`
    default:
      return `task.${event.type}`
  }
}

const SUBJECTS = { plan: 'plan', run: 'step', undo: 'undo' } as const
