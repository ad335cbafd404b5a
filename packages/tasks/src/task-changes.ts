import { randomUUID } from 'node:crypto'
import type { Json, SagaShape } from '@joinery/protocol'
import { stepOf } from './apply-event.ts'
import type { Attempts } from './attempts.ts'
import { checkJson, digestOf } from './json-value.ts'
import { makeTaskId } from './names.ts'
import { failureOf } from './next-event.ts'
import type { TaskBook } from './task-book.ts'
import { TaskError } from './task-error.ts'
import type { By, TaskEventBody } from './task-event.ts'
import { currentStep, isPastPivot, type TaskRecord } from './task-state.ts'
import { needsAttention } from './task-view.ts'
import type { StartRequest } from './tasks.ts'
import { isOpen } from './work-fold.ts'

interface Changed {
  readonly task: TaskRecord
  readonly durable: Promise<void>
}

/**
 * Starts a task, or answers the one that the key has started. Throws `key_reused` for a key with another body.
 *
 * @param sagaFor finds the saga, and throws if the request does not fit it. Not called for a repeat.
 * @param beforeStart called in the turn in which the task is started, right before. It may throw.
 */
export async function startTask(
  book: TaskBook,
  request: StartRequest,
  sagaFor: () => SagaShape,
  beforeStart: () => void,
): Promise<Changed & { isRepeated: boolean }> {
  const { input, subject, key, by, traceparent, sync = false } = request
  const bytes = checkJson(input, 'the input', book.world.limits.inputBytesMax)
  const body = digestOf({ saga: request.saga, version: request.version, input, subject })
  // The key of the log is bounded, and this one has a prefix.
  const logKey = key === undefined ? undefined : `start:${digestOf(key)}`
  const first = repeatOf(book, key, body)
  if (first !== undefined) return first
  if (logKey !== undefined && (await book.journal.log.lsnOfKey(logKey)) !== undefined) {
    const again = repeatOf(book, key, body)
    if (again !== undefined) return again
    const message = 'the key belongs to a task that ended long ago and is not kept any more: use another key'
    throw new TaskError('key_reused', message)
  }
  const raced = repeatOf(book, key, body)
  if (raced !== undefined) return raced
  const { tasksOpenPerWorkspaceMax: max } = book.world.limits
  if (book.fold.open >= max) {
    const message = `${book.fold.open} tasks of this workspace are open, and at most ${max} may be: wait until some have ended`
    throw new TaskError('too_many_tasks', message)
  }
  const saga = sagaFor()
  beforeStart()
  const { nowMs } = book
  const id = makeTaskId(book.workspace, nowMs)
  const deadlineAt = saga.deadlineMs === undefined ? undefined : nowMs + saga.deadlineMs
  const started = { saga, input, subject, by, key, body, traceparent, deadlineAt, bytes }
  const { durable } = book.append(undefined, [{ type: 'started', task: id, ...started }], by, { sync, key: logKey })
  return { task: book.find(id), durable, isRepeated: false }
}

function repeatOf(book: TaskBook, key: string | undefined, body: string): (Changed & { isRepeated: true }) | undefined {
  const task = key === undefined ? undefined : book.fold.ofKey(key)
  if (task === undefined) return undefined
  if (task.body !== body) {
    const message = `the key has started task ${task.id} with another body: use a new key for another request`
    throw new TaskError('key_reused', message, { task: task.id })
  }
  return { task, durable: book.journal.durable, isRepeated: true }
}

/** Asks for the end of a task: what it has done is taken back. */
export function cancelTask(book: TaskBook, id: string, by: By): Changed {
  const task = book.find(id)
  if (task.phase === 'ended') throw new TaskError('not_cancelable', `the task has ended: it is ${task.end}`)
  if (task.phase === 'undo') return { task, durable: book.journal.durable }
  if (isPastPivot(task)) {
    const message = 'the task is past the step after which nothing is taken back: it can only go on, or be terminated'
    throw new TaskError('not_cancelable', message)
  }
  const error = { message: `canceled by ${by.actor}`, class: 'permanent' } as const
  return change(book, task, { type: 'turned', task: id, why: 'canceled', by, error }, by)
}

/** Goes on with the step that failed, or with the pause before its next attempt. */
export function retryTask(book: TaskBook, id: string, by: By): Changed {
  const task = book.find(id)
  const isWaiting = task.phase !== 'ended' && attemptsIn(task).some(({ state }) => state === 'waiting')
  const step = currentStep(task)
  const isHeld = task.phase === 'forward' && step !== undefined && failureOf(step) !== undefined
  if (!needsAttention(task) && task.end !== 'failed' && !isHeld && !isWaiting) {
    const why = isOpen(task) ? 'nothing of it has failed' : `it has ended: it is ${task.end}`
    throw new TaskError('not_retryable', `the task can’t be retried: ${why}`)
  }
  // Time that has passed is no reason to end a retry at once.
  const { deadlineMs } = task.saga
  const isLate =
    task.deadlineAt !== undefined && (task.phase === 'ended' || task.isOverdue || task.deadlineAt <= book.nowMs)
  const deadlineAt = isLate && deadlineMs !== undefined ? book.nowMs + deadlineMs : task.deadlineAt
  return change(book, task, { type: 'retried', task: id, by, deadlineAt }, by)
}

function attemptsIn({ plan, steps }: TaskRecord): Attempts[] {
  const units = steps.flatMap((step) => [...step.units.entries()].flatMap(([, { run, undo }]) => [run, undo]))
  return [plan, ...steps.map((step) => step.plan), ...units]
}

/** Takes the step that failed for done. */
export function skipStep(book: TaskBook, id: string, name: string, result: Json, by: By): Changed {
  const task = book.find(id)
  const bytes = checkJson(result, 'the result', book.world.limits.resultBytesMax)
  const step = stepOf(task, name)
  if (step === undefined) {
    const names = task.steps.map(({ shape }) => shape.name)
    throw new TaskError('invalid', `the saga has no step ${name.slice(0, 100)}`, { steps: names })
  }
  const { failed, unsure, undoFailed, waiting } = step.units.counts
  const isStuck =
    task.phase === 'undo'
      ? undoFailed > 0
      : currentStep(task) === step && (failed + unsure + waiting > 0 || step.plan.state === 'failed')
  if (task.phase === 'ended' || !isStuck) throw new TaskError('not_retryable', `step ${name} has not failed`)
  return change(book, task, { type: 'skipped', task: id, step: name, result, by, bytes }, by)
}

/** Ends the task and takes nothing back. */
export function terminateTask(book: TaskBook, id: string, by: By): Changed {
  const task = book.find(id)
  if (task.phase === 'ended') throw new TaskError('not_cancelable', `the task has ended: it is ${task.end}`)
  const error = { message: `terminated by ${by.actor}: nothing was taken back`, class: 'permanent' } as const
  return change(book, task, { type: 'ended', task: id, state: 'canceled', error, by }, by)
}

/** Keeps a signal until a step waits for it. One of the same id is kept once. */
export function signalTask(
  book: TaskBook,
  id: string,
  signal: { readonly name: string; readonly id?: string; readonly payload: Json },
  by: By,
): Changed {
  const task = book.find(id)
  const { resultBytesMax, signalsMax } = book.world.limits
  const { name, payload, id: signalId = randomUUID() } = signal
  const bytes = checkJson(payload, 'the signal', resultBytesMax)
  if (name.length > 200 || signalId.length > 200)
    throw new TaskError('invalid', 'a signal’s name and id have at most 200 characters')
  const isKnown = task.taken.includes(signalId) || task.signals.some((other) => other.id === signalId)
  if (isKnown) return { task, durable: book.journal.durable }
  if (task.phase === 'ended') throw new TaskError('already_done', `the task has ended: it is ${task.end}`)
  if (task.signals.length >= signalsMax) {
    const message = `${task.signals.length} signals wait in this task, which is the most: no step has taken them yet`
    throw new TaskError('too_large', message)
  }
  checkTaskBytes(book, task, bytes)
  return change(book, task, { type: 'signaled', task: id, name, id: signalId, payload, by, bytes }, by)
}

/** Throws `too_large` if the task would grow above its bound. */
export function checkTaskBytes(book: TaskBook, task: TaskRecord, more: number): void {
  const { taskBytesMax } = book.world.limits
  if (task.bytes + more <= taskBytesMax) return
  const message = `the task would have ${task.bytes + more} bytes of input, items and results, and at most ${taskBytesMax} are allowed`
  throw new TaskError('too_large', `${message}: keep what is larger elsewhere, and pass its name`)
}

function change(book: TaskBook, task: TaskRecord, event: TaskEventBody, by: By): Changed {
  const { durable } = book.append(task, [event], by, { sync: true })
  return { task, durable }
}
