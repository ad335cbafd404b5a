import type { Receipt } from '@joinery/log'
import type { Beat, BeatAnswer, Json, StepDone, StepFailed } from '@joinery/protocol'
import { attemptsOf, stepOf } from './apply-event.ts'
import type { Attempts } from './attempts.ts'
import { type CommitOutcome, DocumentError, type DocumentRecord, type Documents, type OwnWrites } from './documents.ts'
import { checkJson, digestOf } from './json-value.ts'
import type { Kept } from './task.ts'
import type { TaskBook } from './task-book.ts'
import { checkTaskBytes } from './task-changes.ts'
import { TaskError } from './task-error.ts'
import type { Failure, Item, Target, TaskEventBody } from './task-event.ts'
import { ENGINE } from './task-event.ts'
import { isComplete, type TaskRecord, unitOf } from './task-state.ts'

/** Characters of a note, an error or a name that is kept. */
const TEXT_MAX = 2_000
const NOTE_MAX = 200
/** Bytes of the details that one attempt leaves to the next. */
const DETAILS_BYTES_MAX = 16 * 1024
/** Operations of one answer, and blocks of one removal. */
const BLOCKS_MAX = 10_000
const KEY_MAX = 500
const NOTHING: CommitOutcome = { kept: [], touched: [] }

interface Attempt {
  readonly task: TaskRecord
  readonly target: Target
  readonly attempts: Attempts
}

/** A sign of life of an attempt. Throws `lease_lost` if its lease does not stand. */
export function takeBeat(
  book: TaskBook,
  nonce: string,
  beat: Beat,
  onProgress: (task: TaskRecord) => void,
): BeatAnswer {
  const { task, target } = standing(book, nonce)
  const lease = book.leases.get(nonce)
  if (lease === undefined) throw lost()
  book.leases.renew(nonce)
  const isCanceled = task.phase !== 'forward' && target.kind !== 'undo'
  if (isCanceled) startGrace(book, task, target, nonce)
  const { progress, total, note, details, stalledMs } = beat
  if (details !== undefined) {
    checkJson(details, 'the details of a beat', DETAILS_BYTES_MAX)
    lease.details = details
  }
  if (stalledMs !== undefined && Number.isFinite(stalledMs)) lease.stalledMs = Math.max(0, stalledMs)
  const told = {
    ...(isAmount(progress) && { progress }),
    ...(isAmount(total) && { total }),
    ...(typeof note === 'string' && { note: note.slice(0, NOTE_MAX) }),
  }
  if (Object.keys(told).length > 0) {
    lease.progress = told
    onProgress(task)
  }
  return isCanceled ? 'cancel' : 'go'
}

function isAmount(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value >= 0
}

/** An attempt that was told to end has a bounded time for it. */
function startGrace(book: TaskBook, task: TaskRecord, target: Target, nonce: string): void {
  const key = `grace ${nonce}`
  if (book.timers.has(key)) return
  const graceMs = stepOf(task, target.step)?.shape.cancelGraceMs ?? book.world.limits.cancelGraceMs
  book.timers.set(key, graceMs, () => book.loseLease(nonce, 'canceled'))
}

/**
 * Ends an attempt that went well, in one write with its operations. The same answer again changes nothing.
 *
 * @throws TaskError `lease_lost`, `already_done`, `invalid`, `too_large`
 */
export async function takeDone(book: TaskBook, documents: Documents, nonce: string, done: StepDone): Promise<void> {
  const answer = digestOf({ done })
  if (isRepeated(book, nonce, answer)) return book.journal.durable
  const { task, target } = ending(book, nonce)
  const event = doneEvent(book, task, target, done, answer)
  const { operations = [], removeIfUntouched = [] } = done
  const make = (outcome: CommitOutcome, record?: DocumentRecord): TaskEventBody[] => {
    ending(book, nonce)
    const { kept, touched } = outcome
    const written = record === undefined ? {} : { record: record.lsn }
    return [{ ...event, ...written, ...(kept.length > 0 && { kept }), ...(touched.length > 0 && { touched }) }]
  }
  const isWriting = operations.length > 0 || removeIfUntouched.length > 0
  const isShown = task.subject !== undefined || event.subject !== undefined
  if (!isWriting && !isShown) return append(book, task.id, make)
  const check = (): void => {
    if (isRepeated(book, nonce, answer)) throw new TaskError('already_done', 'the attempt has ended')
    ending(book, nonce)
  }
  try {
    await documents.commit(book.workspace, {
      ...{ task: task.id, saga: task.saga.name, key: `joinery:done:${task.id}/${nonce}`, check, ...ownWrites(task) },
      ...(isWriting && { operations, removeIfUntouched }),
      show: (outcome) => book.view(book.foresee(book.find(task.id), make(outcome)).after),
      beside: (record, outcome) => {
        return book.append(book.find(task.id), make(outcome, record), ENGINE, { sync: true, isShown: true })
      },
    })
  } catch (error) {
    // The same answer came twice at once, and the other has ended the attempt.
    if (error instanceof TaskError && error.code === 'already_done' && isRepeated(book, nonce, answer)) return
    if (!(error instanceof DocumentError)) throw error
    return withoutDocument(book, nonce, make, isWriting, error)
  }
}

/** The document can't take part: a step that had to write has failed; one that had not is done all the same. */
function withoutDocument(
  book: TaskBook,
  nonce: string,
  make: (outcome: CommitOutcome) => TaskEventBody[],
  isWriting: boolean,
  error: DocumentError,
): Promise<void> {
  const { task } = ending(book, nonce)
  if (!isWriting) {
    const unprojected: TaskEventBody = { type: 'projected', task: task.id, isUnprojected: true }
    return append(book, task.id, (outcome) => [unprojected, ...make(outcome)])
  }
  const isRefused = error.code === 'refused'
  const failed: StepFailed = { error: error.message, class: isRefused ? 'permanent' : 'transient' }
  const failing = takeFailed(book, nonce, failed)
  if (!isRefused) return failing.then(() => undefined)
  return failing.then(() => {
    throw new TaskError('invalid', `the operations were refused, and the attempt has failed: ${error.message}`)
  })
}

async function append(book: TaskBook, id: string, make: (outcome: CommitOutcome) => TaskEventBody[]): Promise<void> {
  await book.append(book.find(id), make(NOTHING), ENGINE, { sync: true }).durable
}

/** Ends an attempt that failed. The same answer again changes nothing. Throws as {@link takeDone} does. */
export async function takeFailed(book: TaskBook, nonce: string, failed: StepFailed): Promise<void> {
  const answer = digestOf({ failed })
  if (isRepeated(book, nonce, answer)) return book.journal.durable
  const { task, target, attempts } = ending(book, nonce)
  if (attempts.state !== 'running') throw lost()
  const error: Failure = { message: String(failed.error).slice(0, TEXT_MAX), class: failed.class }
  const { verdict, delayMs } = book.judge(task, target, error, failed.retryAfterMs)
  const retryAt = verdict === 'retry' ? book.nowMs + delayMs : undefined
  const details = book.leases.get(nonce)?.details
  const event: TaskEventBody = { type: 'failed', ...target, error, verdict, retryAt, answer, details }
  await book.append(task, [event], ENGINE, { sync: verdict !== 'retry' }).durable
}

/** Gives the lease back. Its worker has done nothing under it. */
export async function takeRelease(book: TaskBook, nonce: string): Promise<void> {
  const { task, target } = standing(book, nonce)
  await book.append(task, [{ type: 'released', ...target }], ENGINE).durable
}

/** Notes that the attempt has written a record. Called in that record's turn. */
export function takeRecord(
  book: TaskBook,
  nonce: string,
  { lsn, touched }: { readonly lsn: number; readonly touched: readonly Kept[] },
): Pick<Receipt, 'durable'> {
  const { task } = standing(book, nonce)
  const told = touched.length > 0 ? { touched } : {}
  return book.append(task, [{ type: 'wrote', task: task.id, record: lsn, ...told }], ENGINE)
}

/** The writes of the task of a lease that stands. */
export function writesOf(book: TaskBook, nonce: string): OwnWrites {
  const { task } = standing(book, nonce)
  return ownWrites(task)
}

function ownWrites({ records, touched }: TaskRecord): OwnWrites {
  return { isOwn: (lsn) => records.includes(lsn), touched }
}

/** The attempt of a lease that stands. Throws `lease_lost` otherwise. */
export function standing(book: TaskBook, nonce: string): Attempt {
  const found = attemptOf(book, nonce)
  if (found.attempts.state !== 'running' || found.task.phase === 'ended') throw lost()
  return found
}

/** The attempt of a lease that may still be answered: nobody else was given its step. */
function ending(book: TaskBook, nonce: string): Attempt {
  const found = attemptOf(book, nonce)
  const { task, target, attempts } = found
  if (attempts.answer !== undefined) {
    throw new TaskError('already_done', 'the attempt has ended with another answer, which stands')
  }
  if (task.phase === 'ended' || task.isPaused) throw lost()
  if (attempts.state === 'running') return found
  const step = stepOf(task, target.step)
  const isUndoBegun = target.kind === 'run' && step !== undefined && unitOf(step, target.item).undo.attempt > 0
  const isPassed = task.phase === 'forward' && step !== undefined && isComplete(step)
  if (attempts.state === 'idle' || attempts.state === 'done' || isUndoBegun || isPassed) throw lost()
  return found
}

function isRepeated(book: TaskBook, nonce: string, answer: string): boolean {
  return attemptOf(book, nonce).attempts.answer === answer
}

function attemptOf(book: TaskBook, nonce: string): Attempt {
  const target = book.fold.ofNonce(nonce)
  const task = target && book.fold.tasks.get(target.task)
  const attempts = task && target && attemptsOf(task, target)
  if (target === undefined || task === undefined || attempts === undefined || attempts.nonce !== nonce) throw lost()
  return { task, target, attempts }
}

export function lost(): TaskError {
  const message = 'the lease does not stand: it ended, or the step was given to another worker. End the attempt'
  return new TaskError('lease_lost', message)
}

type DoneEvent = Extract<TaskEventBody, { type: 'done' }>

function doneEvent(book: TaskBook, task: TaskRecord, target: Target, done: StepDone, answer: string): DoneEvent {
  const { limits } = book.world
  const { result, subject, items, operations, removeIfUntouched } = done
  for (const [what, list] of Object.entries({ operations, removeIfUntouched })) {
    if ((list?.length ?? 0) <= BLOCKS_MAX) continue
    throw new TaskError('too_large', `${what} has ${list?.length} entries, and at most ${BLOCKS_MAX} are allowed`)
  }
  if (target.kind === 'undo') return { type: 'done', ...target, answer, bytes: 0 }
  if (target.kind === 'run') {
    const value: Json = result ?? null
    const bytes = checkJson(value, 'the result', limits.resultBytesMax)
    checkTaskBytes(book, task, bytes)
    return { type: 'done', ...target, answer, result: value, bytes }
  }
  if (target.step === undefined) {
    if (subject === undefined) throw new TaskError('invalid', 'the plan of a task names its subject: send `subject`')
    return { type: 'done', ...target, answer, subject, bytes: 0 }
  }
  const planned = checkItems(items, limits.itemsMax)
  const bytes = checkJson(planned, 'the list of items', limits.taskBytesMax)
  checkTaskBytes(book, task, bytes)
  return { type: 'done', ...target, answer, items: planned, bytes }
}

function checkItems(items: StepDone['items'], max: number): readonly Item[] {
  if (items === undefined) throw new TaskError('invalid', 'the plan of an `each` step has its items: send `items`')
  if (items.length > max) {
    throw new TaskError('too_large', `the step has ${items.length} items, and at most ${max} are allowed`)
  }
  const keys = new Set<string>()
  for (const { key } of items) {
    if (typeof key !== 'string' || key === '' || key.length > KEY_MAX) {
      throw new TaskError('invalid', `the key of an item is a text of 1 to ${KEY_MAX} characters`)
    }
    if (keys.has(key)) throw new TaskError('invalid', `two items have the key ${JSON.stringify(key)}`)
    keys.add(key)
  }
  return items
}
