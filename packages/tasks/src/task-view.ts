import type { Json } from '@joinery/protocol'
import { failureOf, isIdle, isUndoStuck, stepToUndo } from './next-event.ts'
import type { StepState, StepView, TaskState, TaskView, Waiting } from './task.ts'
import {
  currentStep,
  isComplete,
  isPastPivot,
  type StepRecord,
  type TaskRecord,
  totalOf,
  unitOf,
  WHOLE,
} from './task-state.ts'
import { targetsOf } from './work-fold.ts'

/** Facts for people that the journal does not know. */
export interface ViewContext {
  readonly workspace: string
  /** Why an attempt that could be made is not, when nothing else holds the task up. */
  held(task: TaskRecord): Waiting
  /** Progress of an attempt by the name of its lease. */
  progressOf(nonce: string): StepView['progress']
  /** Whether a task that waits has waited too long. */
  isStalled(task: TaskRecord, waiting: Waiting): boolean
}

export function viewOf(task: TaskRecord, context: ViewContext): TaskView {
  const steps = task.steps.map((step) => stepViewOf(task, step, context))
  const { state, waiting } = statusOf(task, context)
  const undone = state === 'needs_attention' ? undoneOf(task) : undefined
  const error = task.error ?? (state === 'needs_attention' ? currentError(task) : undefined)
  return {
    ...{ id: task.id, workspace: context.workspace, saga: task.saga.name, version: task.saga.version },
    ...{ state, steps, input: task.input, kept: task.kept, by: task.by.actor, lsn: task.lsn },
    ...{ startedAt: task.startedAt, updatedAt: task.updatedAt, isCanceling: isCanceling(task) },
    ...(task.subject !== undefined && { subject: task.subject }),
    ...(waiting !== undefined && { waiting }),
    ...(error !== undefined && { error }),
    ...(undone !== undefined && { undone }),
    ...(state === 'done' && { results: resultsOf(task) }),
    ...(task.endedAt !== undefined && { endedAt: task.endedAt }),
    ...(task.deadlineAt !== undefined && { deadlineAt: task.deadlineAt }),
  }
}

/** Results of the steps that are done, by name, up to a step. Those of an `each` are in the order of its items. */
export function resultsOf(task: TaskRecord, before?: string): Readonly<Record<string, Json>> {
  const results: Record<string, Json> = {}
  for (const step of task.steps) {
    if (step.shape.name === before) break
    if (!isComplete(step)) continue
    const value =
      step.shape.kind === 'each'
        ? (step.items ?? []).map(({ key }) => unitOf(step, key).result ?? null)
        : (unitOf(step).result ?? null)
    Object.defineProperty(results, step.shape.name, { value, enumerable: true, configurable: true, writable: true })
  }
  return results
}

/** Whether a task needs somebody who decides. */
export function needsAttention(task: TaskRecord): boolean {
  if (task.phase === 'undo') return isIdle(task) && stepToUndo(task) === undefined && isUndoStuck(task)
  if (task.phase === 'ended') return false
  if (task.isOverdue) return true
  const step = currentStep(task)
  if (step === undefined || !isIdle(task)) return false
  if (step.units.counts.unsure > 0) return true
  return failureOf(step) !== undefined && isPastPivot(task) && (step.shape.onFailure ?? 'compensate') === 'compensate'
}

/** The state of a task, and why it waits. */
export function statusOf(task: TaskRecord, context: ViewContext): { state: TaskState; waiting?: Waiting } {
  if (task.end !== undefined && task.phase === 'ended') return { state: task.end }
  if (needsAttention(task)) {
    const reason = task.isOverdue
      ? 'the deadline is over, and the task can’t be taken back any more: retry or terminate it'
      : 'a step could not be finished or taken back: retry it, skip it, or terminate the task'
    return { state: 'needs_attention', waiting: { code: 'operator', reason } }
  }
  const isUndoing = task.phase === 'undo'
  if (!isUndoing && !isIdle(task)) return { state: 'running' }
  const waiting = waitingOf(task, context)
  if (isUndoing) return { state: 'compensating', ...(waiting && { waiting }) }
  if (waiting === undefined) return { state: 'running' }
  if (context.isStalled(task, waiting)) return { state: 'stalled', waiting }
  const isNew = (waiting.code === 'no_worker' || waiting.code === 'no_worker_for_version') && isUntouched(task)
  return { state: isNew ? 'queued' : 'waiting', waiting }
}

/** The reason why nothing runs; undefined while something does. */
function waitingOf(task: TaskRecord, context: ViewContext): Waiting | undefined {
  if (task.isPaused) {
    const reason = 'the data was restored, imported or copied: tasks go on once somebody resumes them'
    return { code: 'paused', reason }
  }
  if (!isIdle(task)) return undefined
  const step = task.phase === 'undo' ? stepToUndo(task) : currentStep(task)
  if (task.phase === 'undo' && step !== undefined && step.units.counts.undoRunning > 0) return undefined
  if (step !== undefined && task.phase === 'forward') {
    const { kind, name } = step.shape
    const until = step.until === undefined ? {} : { until: step.until }
    if (kind === 'sleep' && step.isWaiting) return { code: 'sleep', reason: `${name} sleeps`, ...until }
    if (kind === 'signal' && step.isWaiting) return { code: 'signal', reason: `waits for the signal ${name}`, ...until }
    const failure = failureOf(step)
    if (failure !== undefined && step.shape.onFailure === 'wait') {
      const reason = `${name} failed (${failure.message}): retry it, skip it, or cancel the task`
      return { code: 'operator', reason }
    }
  }
  return retryOf(task, step) ?? context.held(task)
}

/** The first of the pauses before another attempt; undefined if some attempt can be made at once. */
function retryOf(task: TaskRecord, step: StepRecord | undefined): Waiting | undefined {
  const side = task.phase === 'undo' ? 'undo' : 'run'
  const found: { retryAt: number; message: string }[] = []
  const look = ({ state, retryAt, error }: TaskRecord['plan']): void => {
    if (state === 'waiting' && retryAt !== undefined) found.push({ retryAt, message: error?.message ?? 'it failed' })
  }
  look(task.plan)
  if (step !== undefined) {
    look(step.plan)
    const { counts } = step.units
    if (side === 'run' && counts.waiting === 0 && found.length === 0) return undefined
    for (const [, unit] of step.units.entries()) look(unit[side])
  }
  const first = found.sort((a, b) => a.retryAt - b.retryAt)[0]
  if (first === undefined || first.retryAt <= task.updatedAt) return undefined
  return { code: 'retry', reason: `the last attempt failed: ${first.message}`, until: first.retryAt }
}

function isUntouched(task: TaskRecord): boolean {
  return targetsOf(task).next().done === true
}

function isCanceling(task: TaskRecord): boolean {
  return task.turned?.why === 'canceled' && task.phase === 'undo'
}

function currentError(task: TaskRecord): TaskView['error'] {
  const step = currentStep(task)
  if (step === undefined) return undefined
  for (const [, { run }] of step.units.entries()) {
    if ((run.state === 'failed' || run.state === 'unsure') && run.error !== undefined) {
      return { ...run.error, step: step.shape.name }
    }
  }
  return undefined
}

function undoneOf(task: TaskRecord): NonNullable<TaskView['undone']> {
  const undone: { step: string; item?: string; error: string }[] = []
  for (const { shape, units } of task.steps) {
    if (units.counts.undoFailed + units.counts.unsure + units.counts.failed === 0) continue
    for (const [key, unit] of units.entries()) {
      const { state, error } = task.phase === 'undo' ? unit.undo : unit.run
      if (state !== 'failed' && state !== 'unsure') continue
      const item = key === WHOLE ? {} : { item: key }
      undone.push({ step: shape.name, ...item, error: error?.message ?? 'it failed' })
    }
  }
  return undone
}

function stepViewOf(task: TaskRecord, step: StepRecord, context: ViewContext): StepView {
  const { shape, units } = step
  const { counts } = units
  const workers = new Set<string>()
  let attempt = 0
  let progress: StepView['progress']
  let error: StepView['error']
  const isActive = counts.running + counts.undoRunning + counts.waiting + counts.failed + counts.unsure > 0
  const isOne = shape.kind !== 'each'
  for (const one of [step.plan, ...(isActive || isOne || counts.undoLeft > 0 ? attemptsIn(task, step) : [])]) {
    if (one.state === 'running' && one.worker !== undefined) workers.add(one.worker)
    if (one.state === 'running' && one.nonce !== undefined) progress ??= context.progressOf(one.nonce)
    if (one.error !== undefined && one.state !== 'done') error ??= one.error
    attempt = Math.max(attempt, one.attempt)
  }
  const isDone = isComplete(step)
  return {
    ...{ name: shape.name, kind: shape.kind, state: stepStateOf(task, step), attempt },
    ...{ done: Math.min(counts.done, totalOf(step)), total: totalOf(step) },
    ...(progress !== undefined && { progress }),
    ...(workers.size > 0 && { workers: [...workers] }),
    ...(error !== undefined && { error }),
    ...(isDone && isOne && { result: unitOf(step).result ?? null }),
  }
}

function* attemptsIn(task: TaskRecord, step: StepRecord): Generator<TaskRecord['plan']> {
  for (const [, { run, undo }] of step.units.entries()) {
    yield run
    if (task.phase !== 'forward') yield undo
  }
}

function stepStateOf(task: TaskRecord, step: StepRecord): StepState {
  const { shape, units, plan } = step
  const { counts } = units
  if (task.turned !== undefined) {
    if (counts.undoFailed > 0) return 'undo_failed'
    if (counts.undoLeft > 0) return 'compensating'
    if (counts.undone > 0) return hasKept(step) ? 'kept' : 'compensated'
  }
  if (counts.running > 0 || plan.state === 'running') return 'running'
  if (isComplete(step)) {
    if (shape.kind !== 'each' && unitOf(step).isSkipped) return 'skipped'
    return counts.failed > 0 || plan.state === 'failed' ? 'failed' : 'done'
  }
  if (counts.unsure > 0) return 'unsure'
  if (counts.failed > 0 || plan.state === 'failed') return 'failed'
  if (counts.waiting > 0 || plan.state === 'waiting' || step.isWaiting) {
    if (task.phase === 'forward') return 'waiting'
    // Nothing comes any more: the step had failed, or had not begun.
    return step.isWaiting ? 'pending' : 'failed'
  }
  return counts.done > 0 ? 'running' : 'pending'
}

/** Whether taking the step back has left something. */
function hasKept({ units }: StepRecord): boolean {
  for (const [, { undo }] of units.entries()) if (undo.hasKept === true) return true
  return false
}
