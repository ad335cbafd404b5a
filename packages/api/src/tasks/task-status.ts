import { type ClaimList, getBlock, type Json, type JsonObject, type MachineClaim, TASK } from '@joinery/blocks'
import type { RefusedRequest, TaskState, TaskView } from '@joinery/tasks'
import type * as Y from 'yjs'
import { machineListOf } from '../machine-list.ts'

/** The author of everything that tasks write. The connection of a record names the task. */
export const TASK_AUTHOR = { actor: 'joinery', source: 'resources' } as const

/** Characters of one text in a claim: `why` of the flag `stalled`. */
const WHY_LENGTH_MAX = 256
/** Characters of an error in a claim. */
const ERROR_LENGTH_MAX = 1_024
/** Blocks that a claim names as kept; the task itself names all. */
const KEPT_MAX = 20

type Shown = (typeof TASK)['table']['ranks'][number]

/** The status of the machine that stands for a state. A task that waits, or needs attention, is flagged beside it. */
const STATUS_OF: Readonly<Record<Exclude<TaskState, 'needs_attention'>, Shown>> = {
  queued: 'queued',
  running: 'running',
  waiting: 'running',
  stalled: 'running',
  compensating: 'compensating',
  done: 'done',
  failed: 'failed',
  compensated: 'compensated',
  compensated_partly: 'compensated_partly',
  canceled: 'canceled',
}
const UNDOING: ReadonlySet<string> = new Set(['compensating', 'compensated', 'kept', 'undo_failed'])
const FLAGGED: ReadonlySet<TaskState> = new Set(['waiting', 'stalled', 'needs_attention'])
const ENDED: ReadonlySet<TaskState> = new Set(['done', 'failed', 'compensated', 'compensated_partly', 'canceled'])

/** Whether a task in this state has ended for good. */
export function isEnded(state: TaskState): boolean {
  return ENDED.has(state)
}

/** The words of a status about a task. Two equal ones need no second record. */
export interface TaskStatus {
  readonly status: Shown
  readonly told: Readonly<Record<string, Json>>
}

/** The status that shows a task. It says nothing that changes with every beat of a worker but the amounts. */
export function statusOfTask(task: TaskView): TaskStatus {
  const { id, saga, version, state, steps, waiting, kept, error } = task
  const status =
    state === 'needs_attention'
      ? steps.some((step) => UNDOING.has(step.state))
        ? 'compensating'
        : 'running'
      : STATUS_OF[state]
  const current = steps.find((step) => !['pending', 'done', 'skipped', 'compensated', 'kept'].includes(step.state))
  const stalled = FLAGGED.has(state) ? { since: task.updatedAt, why: whyOf(task) } : undefined
  const total = steps.reduce((sum, step) => sum + Math.max(1, step.total), 0)
  const done = steps.reduce((sum, step) => sum + (step.state === 'skipped' ? Math.max(1, step.total) : step.done), 0)
  const isFailure = TASK.table.failures.some((failure) => failure === status)
  const detail: Record<string, Json> = {
    saga,
    version,
    ...(current !== undefined && { step: current.name }),
    ...(waiting !== undefined && { waiting: waiting.code }),
    ...(kept.length > 0 && { kept: kept.slice(0, KEPT_MAX).map(({ block, by }) => ({ block, by })) }),
  }
  return {
    status,
    told: {
      task: id,
      detail,
      ...(total > 0 && { progress: Math.min(done, total), total }),
      ...(current !== undefined && current.attempt > 0 && { attempt: current.attempt }),
      ...(waiting?.until !== undefined && { retry_at: waiting.until }),
      ...(stalled !== undefined && { stalled }),
      ...(isFailure && error !== undefined && { error: error.message.slice(0, ERROR_LENGTH_MAX) }),
    },
  }
}

function whyOf({ state, waiting, error }: TaskView): string {
  const why = waiting?.reason ?? error?.message ?? (state === 'needs_attention' ? 'it needs attention' : 'it waits')
  return why.slice(0, WHY_LENGTH_MAX).toWellFormed()
}

/**
 * Shows a task as the status of its block. Writes nothing where the block or the machine is not there, where the status says it
 * already, or where it belongs to another task. A run that a person has started and that no task reports on yet is the task's.
 */
export function writeTaskStatus(doc: Y.Doc, task: TaskView, lists: readonly ClaimList[]): void {
  const { subject } = task
  const list = machineListOf(lists)
  const block = subject && getBlock(doc, subject.block)
  if (subject === undefined || block === undefined || list?.rules.machines.has(TASK.name) !== true) return
  const statuses = block.claims(list).of(TASK.name)
  if (statuses.isMismatched) return
  const { name } = subject
  const { status, told } = statusOfTask(task)
  let standing = statuses.get(name)
  if (standing === undefined || !isOf(standing, task)) {
    const { rules } = statuses.machine
    if (standing !== undefined && (!rules.isFinished(standing.status) || isEnded(task.state))) return
    const runId = standing?.task === task.id ? `${task.id}.${task.lsn}` : task.id
    statuses.startAnyRun(name, { ...TASK_AUTHOR, runId, status: 'queued', ...ofStart(told) })
    standing = statuses.get(name)
  }
  if (standing === undefined || isSaid(standing, status, told)) return
  statuses.report(name, standing.run, status, { ...TASK_AUTHOR, ...told })
}

/** Shows that the request which stands can't be met: its run has failed. Writes nothing where a task reports on the run. */
export function writeRefusal(doc: Y.Doc, { subject, reason, saga }: RefusedRequest, lists: readonly ClaimList[]): void {
  const list = machineListOf(lists)
  const block = getBlock(doc, subject.block)
  if (block === undefined || list?.rules.machines.has(TASK.name) !== true) return
  const statuses = block.claims(list).of(TASK.name)
  const standing = statuses.get(subject.name)
  if (statuses.isMismatched || standing === undefined || !isRequest(standing)) return
  const told = { error: reason.slice(0, ERROR_LENGTH_MAX).toWellFormed(), detail: { saga } }
  statuses.report(subject.name, standing.run, 'failed', { ...TASK_AUTHOR, ...told })
}

/** Whether a task reports on the run that stands. */
function isOf(standing: MachineClaim, task: TaskView): boolean {
  if (standing.task !== task.id) return isRequest(standing)
  return !TASK.rules.isFinished(standing.status as Shown) || isEnded(task.state)
}

/** Whether a person has started the run, and no task reports on it. */
function isRequest({ status, task, run }: MachineClaim): boolean {
  return !TASK.rules.isFinished(status as Shown) && task === undefined && run.source !== TASK_AUTHOR.source
}

/** A start says what a report says, but for what only later statuses may say. */
function ofStart({ task, detail }: TaskStatus['told']): Record<string, Json> {
  return { ...(task !== undefined && { task }), ...(detail !== undefined && { detail }) }
}

function isSaid(standing: MachineClaim, status: string, told: JsonObject): boolean {
  if (standing.status !== status || standing.source !== TASK_AUTHOR.source) return false
  const properties = ['task', 'detail', 'progress', 'total', 'attempt', 'retry_at', 'error'] as const
  const said = standing as unknown as Readonly<Record<string, Json | undefined>>
  const isSame = properties.every((property) => JSON.stringify(said[property]) === JSON.stringify(told[property]))
  const why = (stalled: unknown): unknown => (stalled as { why?: unknown } | undefined)?.why
  return isSame && why(standing.stalled) === why(told.stalled)
}
