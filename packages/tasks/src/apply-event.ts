import type { SagaShape } from '@joinery/protocol'
import { type Attempts, NO_ATTEMPTS, type Unit } from './attempts.ts'
import { costOf } from './retry-policy.ts'
import type { Target, TaskEventBody } from './task-event.ts'
import { isComplete, newStep, type StepRecord, type TaskRecord, unitOf, WHOLE } from './task-state.ts'
import { Units } from './units.ts'

type Of<T extends TaskEventBody['type']> = Extract<TaskEventBody, { type: T }>

/** The task that a `started` event makes. */
export function taskOf(event: Of<'started'>, at: number, lsn: number): TaskRecord {
  const { task: id, saga, input, by, key, body, traceparent, subject, bytes, deadlineAt } = event
  return {
    ...{ id, saga, input, by, key, body, traceparent, subject, bytes, deadlineAt, lsn },
    ...{ startedAt: at, updatedAt: at, plan: NO_ATTEMPTS, steps: saga.steps.map(newStep), phase: 'forward' },
    ...{ isOverdue: false, isPaused: false, isUnprojected: false, signals: [], taken: [] },
    ...{ kept: [], touched: [], records: [] },
  }
}

/** Takes one event into a task. An event about a step that the task does not have changes nothing but the times. */
export function applyEvent(task: TaskRecord, event: TaskEventBody, at: number, lsn: number): void {
  task.updatedAt = Math.max(task.updatedAt, at)
  task.lsn = lsn
  switch (event.type) {
    case 'started':
      return
    case 'moved':
      return move(task, event.saga)
    case 'leased':
      return change(task, event, (attempts) => ({
        ...attempts,
        ...{
          state: 'running',
          attempt: event.attempt,
          nonce: event.nonce,
          worker: event.worker,
          leaseMs: event.leaseMs,
        },
        ...{ firstAt: attempts.firstAt ?? at, retryAt: undefined, answer: undefined, hasNews: undefined },
      }))
    case 'done':
      return finish(task, event)
    case 'failed': {
      const { error, answer, retryAt } = event
      const spent = costOf(error.class, stepOf(task, event.step)?.shape)
      const details = event.details
      change(task, event, (attempts) => ({
        ...attempts,
        ...{ state: stateOf(event.verdict), spent: attempts.spent + spent, error, answer, retryAt },
        ...(details !== undefined && { details }),
      }))
      if (error.class === 'unsure') markUnsure(task, event)
      return
    }
    case 'unsure': {
      const { verdict, retryAt, details, why } = event
      const error = { message: MESSAGES[why], class: 'unsure' } as const
      change(task, event, (attempts) => ({
        ...attempts,
        ...{ state: stateOf(verdict), spent: attempts.spent + 1, error, retryAt },
        ...(details !== undefined && { details }),
        // The worker of another copy has no say in this one.
        ...(why === 'copied' && { nonce: undefined }),
      }))
      return markUnsure(task, event)
    }
    case 'released':
      return change(task, event, (attempts) => ({ ...attempts, state: 'idle', nonce: undefined, worker: undefined }))
    case 'woken':
      return wakeUp(task, event, at)
    case 'waiting': {
      const step = stepOf(task, event.step)
      if (step === undefined) return
      step.isWaiting = true
      step.until = event.until
      return
    }
    case 'wrote':
      task.records = [...task.records, event.record]
      if (event.touched !== undefined) task.touched = [...task.touched, ...event.touched]
      return
    case 'turned':
      task.phase = 'undo'
      task.turned = { why: event.why, error: event.error }
      task.error = event.error ?? task.error
      return
    case 'overdue':
      task.isOverdue = true
      return
    case 'retried':
      return retry(task, event.deadlineAt)
    case 'skipped':
      return skip(task, event)
    case 'signaled': {
      if (task.taken.includes(event.id)) return
      const { name, id, payload, bytes } = event
      task.signals = [...task.signals, { name, id, payload }]
      task.bytes += bytes
      return
    }
    case 'projected':
      task.isUnprojected = event.isUnprojected
      return
    case 'ended':
      task.phase = 'ended'
      task.end = event.state
      task.error = event.error ?? task.error
      task.endedAt = at
      return
  }
}

const MESSAGES = {
  lease_expired: 'the worker was not heard of: the attempt may have happened',
  server_restart: 'the server was restarted, and the worker was not heard of: the attempt may have happened',
  timed_out: 'the attempt took longer than it may: it may have happened',
  canceled: 'the worker did not end the attempt in time after the cancel: it may have happened',
  copied: 'the data was restored or copied while the attempt ran: it may have happened',
} as const

function stateOf(verdict: 'retry' | 'failed' | 'attention'): Attempts['state'] {
  if (verdict === 'retry') return 'waiting'
  return verdict === 'failed' ? 'failed' : 'unsure'
}

export function stepOf(task: TaskRecord, name: string | undefined): StepRecord | undefined {
  return task.steps.find(({ shape }) => shape.name === name)
}

/** The attempts of a target; undefined if the task has no such step. */
export function attemptsOf(task: TaskRecord, { kind, step: name, item }: Target): Attempts | undefined {
  if (name === undefined) return task.plan
  const step = stepOf(task, name)
  if (step === undefined) return undefined
  return kind === 'plan' ? step.plan : unitOf(step, item)[kind]
}

function change(task: TaskRecord, target: Target, make: (attempts: Attempts) => Attempts): void {
  const { kind, item } = target
  if (target.step === undefined) {
    task.plan = make(task.plan)
    return
  }
  const step = stepOf(task, target.step)
  if (step === undefined) return
  if (kind === 'plan') step.plan = make(step.plan)
  else setUnit(step, item, (unit) => ({ ...unit, [kind]: make(unit[kind]) }))
}

function setUnit(step: StepRecord, item: string | undefined, make: (unit: Unit) => Unit): void {
  step.units.set(item ?? '', make(unitOf(step, item)))
}

function markUnsure(task: TaskRecord, { kind, step: name, item }: Target): void {
  const step = stepOf(task, name)
  if (kind === 'run' && step !== undefined) setUnit(step, item, (unit) => ({ ...unit, isUnsure: true }))
}

/** Takes news into the attempts that wait for them. One that runs may have looked before. */
function wakeUp(task: TaskRecord, event: Of<'woken'>, at: number): void {
  const step = stepOf(task, event.step)
  // Items that had failed are looked at again.
  if (step !== undefined) step.cursor = 0
  change(task, event, (attempts) => {
    const { state } = attempts
    if (state === 'running') return { ...attempts, hasNews: true }
    if (state === 'waiting') return { ...attempts, retryAt: at }
    // It had waited for too long, and has its whole time again.
    if (state === 'failed') return { ...attempts, state: 'waiting', retryAt: at, spent: 0, firstAt: at }
    return attempts
  })
}

function finish(task: TaskRecord, event: Of<'done'>): void {
  const { kind, answer, result, subject, items, kept = [], touched = [], record, signal, bytes } = event
  change(task, event, (attempts) => ({
    ...attempts,
    ...{ state: 'done', answer, retryAt: undefined, error: undefined, details: undefined },
    ...(kept.length > 0 && { hasKept: true }),
  }))
  const step = stepOf(task, event.step)
  if (subject !== undefined) task.subject = subject
  if (record !== undefined) task.records = [...task.records, record]
  if (kept.length > 0) task.kept = [...task.kept, ...kept]
  if (touched.length > 0) task.touched = [...task.touched, ...touched]
  task.bytes += bytes
  if (signal !== undefined) {
    task.signals = task.signals.filter(({ id }) => id !== signal)
    task.taken = [...task.taken, signal]
  }
  if (step === undefined) return
  if (kind === 'plan') step.items = items ?? []
  if (kind === 'run') {
    step.isWaiting = false
    step.until = undefined
    setUnit(step, event.item, (unit) => ({ ...unit, result, isUnsure: false }))
  }
}

/** Lets the attempts that have failed be made again, with a whole bound. */
function retry(task: TaskRecord, deadlineAt: number | undefined): void {
  const again = (attempts: Attempts): Attempts => {
    if (attempts.state === 'failed' || attempts.state === 'unsure' || attempts.state === 'waiting') {
      return { ...attempts, state: 'idle', spent: 0, firstAt: undefined, retryAt: undefined }
    }
    return attempts
  }
  task.isOverdue = false
  task.deadlineAt = deadlineAt
  task.error = undefined
  if (task.phase === 'ended') {
    task.phase = 'forward'
    task.end = undefined
    task.endedAt = undefined
    task.turned = undefined
  }
  task.plan = again(task.plan)
  for (const step of task.steps) {
    step.plan = again(step.plan)
    step.cursor = 0
    if (task.phase === 'forward' && step.shape.onFailure === 'continue' && isComplete(step)) continue
    for (const [key, unit] of [...step.units.entries()]) {
      const side = task.phase === 'undo' ? 'undo' : 'run'
      const attempts = again(unit[side])
      if (attempts !== unit[side]) step.units.set(key, { ...unit, [side]: attempts })
    }
    if (step.isWaiting && step.units.counts.done === 0) {
      step.isWaiting = false
      step.until = undefined
    }
  }
}

function skip(task: TaskRecord, { step: name, result, bytes }: Of<'skipped'>): void {
  const step = stepOf(task, name)
  if (step === undefined) return
  task.bytes += bytes
  task.error = undefined
  if (step.shape.kind === 'each' && step.items === undefined) step.items = []
  const keys = step.shape.kind === 'each' ? (step.items ?? []).map(({ key }) => key) : [WHOLE]
  for (const key of keys) {
    const unit = unitOf(step, key)
    if (task.phase === 'undo') {
      if (unit.undo.state === 'failed') step.units.set(key, { ...unit, undo: { ...unit.undo, state: 'done' } })
    } else if (unit.run.state !== 'done') {
      step.units.set(key, { ...unit, run: { ...unit.run, state: 'done' }, result, isSkipped: true })
    }
  }
  step.isWaiting = false
  step.until = undefined
}

/** Steps that both versions begin with keep what was done. The others begin anew. */
function move(task: TaskRecord, saga: SagaShape): void {
  const old = task.steps
  task.saga = saga
  task.steps = saga.steps.map((shape, n) => {
    const before = old[n]
    if (before === undefined || before.shape.name !== shape.name || before.shape.kind !== shape.kind) {
      return newStep(shape)
    }
    const units = new Units(shape.hasUndo ?? false)
    for (const [key, unit] of before.units.entries()) units.set(key, unit)
    return { ...before, shape, units }
  })
}
