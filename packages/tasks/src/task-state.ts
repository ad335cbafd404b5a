import type { Json, SagaShape, StepShape, TaskSubject } from '@joinery/protocol'
import { type Attempts, NEW_UNIT, NO_ATTEMPTS, type Unit } from './attempts.ts'
import type { Kept } from './task.ts'
import type { By, Failure, Item, TaskEnd, TurnWhy } from './task-event.ts'
import { Units } from './units.ts'

/** Key of the only unit of a step that is no `each`. */
export const WHOLE = ''

export interface StepRecord {
  readonly shape: StepShape
  /** The items of an `each`; undefined until they are planned. */
  items?: readonly Item[] | undefined
  plan: Attempts
  /** Whether a sleep or a wait for a signal has begun, and when it ends. */
  isWaiting: boolean
  until?: number | undefined
  units: Units
  /** Number of the first items that are known to need no more attempts. It saves looking at them, and is not kept. */
  cursor: number
}

export interface Signal {
  readonly name: string
  readonly id: string
  readonly payload: Json
}

/** A task as the events of its journal make it. */
export interface TaskRecord {
  readonly id: string
  saga: SagaShape
  readonly input: Json
  readonly by: By
  readonly key?: string | undefined
  readonly body: string
  readonly traceparent?: string | undefined
  readonly startedAt: number
  subject?: TaskSubject | undefined
  plan: Attempts
  steps: StepRecord[]
  phase: 'forward' | 'undo' | 'ended'
  turned?:
    | { readonly why: TurnWhy; readonly error?: (Failure & { readonly step?: string | undefined }) | undefined }
    | undefined
  end?: TaskEnd | undefined
  error?: (Failure & { readonly step?: string | undefined }) | undefined
  isOverdue: boolean
  isPaused: boolean
  isUnprojected: boolean
  signals: readonly Signal[]
  /** Ids of the signals that were taken: they are not taken twice. */
  taken: readonly string[]
  kept: readonly Kept[]
  touched: readonly Kept[]
  /** LSNs of the records that the task has written. */
  records: readonly number[]
  /** Bytes of input, items, results and signals. */
  bytes: number
  deadlineAt?: number | undefined
  updatedAt: number
  endedAt?: number | undefined
  /** LSN of the last event. */
  lsn: number
}

export function newStep(shape: StepShape): StepRecord {
  return { shape, plan: NO_ATTEMPTS, isWaiting: false, cursor: 0, units: new Units(shape.hasUndo ?? false) }
}

/** A copy on which events can be tried: changes of it do not reach the task. */
export function forkOf(task: TaskRecord): TaskRecord {
  return { ...task, steps: task.steps.map((step) => ({ ...step, units: step.units.fork() })) }
}

export function unitOf(step: StepRecord, item = WHOLE): Unit {
  return step.units.get(item) ?? NEW_UNIT
}

/** Number of units that the step has; 0 while its items are not planned. */
export function totalOf(step: StepRecord): number {
  return step.shape.kind === 'each' ? (step.items?.length ?? 0) : 1
}

/** Whether the step needs no more attempts, and the next may begin. */
export function isComplete(step: StepRecord): boolean {
  if (step.shape.kind === 'each' && step.items === undefined) {
    return step.plan.state === 'failed' && step.shape.onFailure === 'continue'
  }
  const { done, failed } = step.units.counts
  return done + (step.shape.onFailure === 'continue' ? failed : 0) >= totalOf(step)
}

/** The step that runs, or runs next; undefined when all are complete. */
export function currentStep(task: TaskRecord): StepRecord | undefined {
  return task.steps.find((step) => !isComplete(step))
}

/** Whether a step after which nothing is taken back is done. */
export function isPastPivot(task: TaskRecord): boolean {
  return task.steps.some((step) => step.shape.isPivot === true && step.units.counts.done > 0 && isComplete(step))
}
