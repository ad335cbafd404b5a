import { type Attempts, NEW_UNIT } from './attempts.ts'
import { isIdle, stepToUndo } from './next-event.ts'
import type { Target } from './task-event.ts'
import { currentStep, type StepRecord, type TaskRecord, unitOf, WHOLE } from './task-state.ts'

/** Items of an `each` that run at once, where the step says nothing. */
const CONCURRENCY_DEFAULT = 1

/**
 * The attempts that a worker may be given now, in the order in which they should be made.
 *
 * @param isDue whether the pause before the next attempt of a target is over
 */
export function* offersOf(task: TaskRecord, isDue: (target: Target) => boolean): Generator<Target> {
  if (task.phase === 'ended' || task.isPaused) return
  const isFree = (target: Target, attempts: Attempts): boolean =>
    attempts.state === 'idle' || (attempts.state === 'waiting' && isDue(target))
  if (task.phase === 'undo') {
    yield* undoOffers(task, isFree)
    return
  }
  if (task.isOverdue) return
  if (task.saga.hasSubject === true && task.subject === undefined && task.plan.state !== 'done') {
    const target = { task: task.id, kind: 'plan' } as const
    if (isFree(target, task.plan)) yield target
    return
  }
  const step = currentStep(task)
  if (step === undefined) return
  const { name, kind } = step.shape
  if (kind === 'step') {
    const target = { task: task.id, kind: 'run', step: name } as const
    if (isFree(target, unitOf(step).run)) yield target
  }
  if (kind === 'each') yield* eachOffers(task.id, step, isFree)
}

type IsFree = (target: Target, attempts: Attempts) => boolean

function* eachOffers(task: string, step: StepRecord, isFree: IsFree): Generator<Target> {
  const { name, onFailure = 'compensate' } = step.shape
  if (step.items === undefined) {
    const target = { task, kind: 'plan', step: name } as const
    if (isFree(target, step.plan)) yield target
    return
  }
  const { counts } = step.units
  // Where a failed item ends the step, the others wait for the decision.
  if (counts.failed > 0 && onFailure === 'compensate') return
  let room = roomOf(step) - counts.running
  for (let n = step.cursor; n < step.items.length && room > 0; n++) {
    const item = step.items[n]?.key ?? WHOLE
    const { run } = step.units.get(item) ?? NEW_UNIT
    if (n === step.cursor && (run.state === 'done' || run.state === 'failed')) step.cursor++
    const target = { task, kind: 'run', step: name, item } as const
    if (!isFree(target, run)) continue
    room--
    yield target
  }
}

function* undoOffers(task: TaskRecord, isFree: IsFree): Generator<Target> {
  if (!isIdle(task)) return
  const step = stepToUndo(task)
  if (step === undefined) return
  let room = roomOf(step) - step.units.counts.undoRunning
  for (const [key, unit] of step.units.entries()) {
    if (room <= 0) return
    if (!step.units.needsUndo(unit)) continue
    const item = key === WHOLE ? undefined : key
    const target = { task: task.id, kind: 'undo', step: step.shape.name, item } as const
    if (!isFree(target, unit.undo)) continue
    room--
    yield target
  }
}

function roomOf({ shape }: StepRecord): number {
  return shape.kind === 'each' ? Math.max(1, shape.concurrency ?? CONCURRENCY_DEFAULT) : 1
}
