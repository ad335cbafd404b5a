import type { TaskEnd, TaskEventBody } from './task-event.ts'
import { currentStep, isPastPivot, type StepRecord, type TaskRecord } from './task-state.ts'

/**
 * The event that follows from the state of a task alone, without a worker, a person or a time: the next of several. The caller
 * applies it and asks again. Undefined when the task has to wait. A function of its arguments.
 */
export function nextEvent(task: TaskRecord, nowMs: number): TaskEventBody | undefined {
  if (task.phase === 'ended' || task.isPaused) return undefined
  return task.phase === 'forward' ? nextForward(task, nowMs) : nextUndo(task)
}

function nextForward(task: TaskRecord, nowMs: number): TaskEventBody | undefined {
  if (task.isOverdue) return undefined
  const { id, plan } = task
  if (plan.state === 'failed') {
    return { type: 'turned', task: id, why: 'failed', error: plan.error ?? UNKNOWN }
  }
  const step = currentStep(task)
  if (step === undefined) return isIdle(task) ? { type: 'ended', task: id, state: 'done' } : undefined
  const { shape } = step
  const error = failureOf(step)
  if (error !== undefined) {
    const isTurning = (shape.onFailure ?? 'compensate') === 'compensate' && !isPastPivot(task)
    if (isTurning) return { type: 'turned', task: id, why: 'failed', error: { ...error, step: shape.name } }
    if (shape.kind !== 'each') return undefined
  }
  if (shape.kind === 'sleep' && !step.isWaiting) {
    return { type: 'waiting', task: id, step: shape.name, until: nowMs + (shape.sleepMs ?? 0) }
  }
  if (shape.kind !== 'signal' || error !== undefined) return undefined
  const signal = task.signals.find(({ name }) => name === shape.name)
  if (signal !== undefined) {
    const taken = { result: signal.payload, signal: signal.id, bytes: 0 }
    return { type: 'done', task: id, kind: 'run', step: shape.name, ...taken }
  }
  if (step.isWaiting) return undefined
  const until = shape.timeoutMs === undefined ? undefined : nowMs + shape.timeoutMs
  return { type: 'waiting', task: id, step: shape.name, until }
}

function nextUndo(task: TaskRecord): TaskEventBody | undefined {
  if (!isIdle(task) || stepToUndo(task) !== undefined || isUndoStuck(task)) return undefined
  return { type: 'ended', task: task.id, state: endOf(task) }
}

const UNKNOWN = { message: 'the plan of the task failed', class: 'permanent' } as const

/** Whether no attempt of a run or a plan is under way. */
export function isIdle({ plan, steps }: TaskRecord): boolean {
  if (plan.state === 'running') return false
  return steps.every((step) => step.plan.state !== 'running' && step.units.counts.running === 0)
}

/** The step of which units are taken back next, or right now: the last one. Undefined when none is left. */
export function stepToUndo(task: TaskRecord): StepRecord | undefined {
  for (const step of task.steps.toReversed()) {
    const { undoLeft, undoFailed } = step.units.counts
    if (undoLeft > 0) return step
    if (undoFailed > 0 && step.shape.onUndoFailure === 'stop') return undefined
  }
  return undefined
}

/** Whether something could not be taken back. */
export function isUndoStuck({ steps }: TaskRecord): boolean {
  return steps.some(({ units }) => units.counts.undoFailed > 0)
}

function endOf({ turned, kept, steps }: TaskRecord): TaskEnd {
  if (turned?.why === 'canceled') return kept.length > 0 ? 'compensated_partly' : 'canceled'
  if (!steps.some(({ units }) => units.counts.undone > 0)) return 'failed'
  return kept.length > 0 ? 'compensated_partly' : 'compensated'
}

/** The error with which a step has failed for good; undefined while it may succeed. */
export function failureOf({ shape, plan, units }: StepRecord): NonNullable<StepRecord['plan']['error']> | undefined {
  if (shape.kind === 'each' && plan.state === 'failed') return plan.error ?? UNKNOWN
  if (units.counts.failed === 0 || shape.onFailure === 'continue') return undefined
  for (const [, { run }] of units.entries()) if (run.state === 'failed') return run.error ?? UNKNOWN
  return undefined
}
