import {
  blocksWithTouchedStatuses,
  type ClaimList,
  getBlock,
  isReservedSource,
  type MachineClaim,
  TASK,
} from '@joinery/blocks'
import type { LogRecord, RecordPlace, WorkspaceId, Workspaces } from '@joinery/server'
import { TaskError, type Tasks } from '@joinery/tasks'
import type { Logger } from 'pino'
import * as Y from 'yjs'
import { machineListOf } from '../machine-list.ts'

export interface TaskRequestsOptions {
  readonly workspaces: Workspaces
  readonly tasks: Tasks
  /** The lists of claims that blocks have. */
  readonly lists: readonly ClaimList[]
  readonly logger: Logger
}

/**
 * Starts and cancels tasks that people ask for by an edit, which they may have made offline. A new run of the machine `task@1` whose
 * `detail` has `{ saga, input }` is a request for a task, which then reports on that run. A report of somebody on a run of a task
 * with `detail: { cancel: true }` and the `task` asks for its end. Returns unsubscribe.
 */
export function listenForTasks({ workspaces, tasks, lists, logger }: TaskRequestsOptions): () => void {
  const list = machineListOf(lists)
  if (list?.rules.machines.has(TASK.name) !== true) return () => undefined
  return workspaces.listen((workspace, record, _durable, place) => {
    const ids = blocksWithTouchedStatuses(record.touched)
    if (ids.length === 0) return
    const cancels = cancelsIn(record)
    for (const id of ids) {
      const block = getBlock(place.doc, id)
      if (block === undefined) continue
      for (const claim of block.claims(list).of(TASK.name).entries()) {
        if (!isStart(claim) || hasTask(block.map, claim)) continue
        start({ workspace, record, place, block: block.id, claim }, tasks)
      }
      for (const claim of cancels) cancel(workspace, block.id, claim, tasks, logger)
    }
  })
}

interface Request {
  readonly workspace: WorkspaceId
  readonly record: LogRecord
  readonly place: RecordPlace
  readonly block: string
  readonly claim: MachineClaim
}

/** Asks for the task of a run, in the turn of its record: both are there after a crash, or none. */
function start({ workspace, record, place, block, claim }: Request, tasks: Tasks): void {
  const { name, run, actor, source } = claim
  const { saga, version, input = null } = claim.detail ?? {}
  tasks.ask(workspace, record, {
    saga: String(saga),
    input,
    ...(typeof version === 'number' && { version }),
    subject: { block, name },
    key: `claim:${place.generation ?? ''}/${block}/${TASK.name}/${name}/${run.id}`,
    by: { actor, source },
  })
}

/**
 * Whether a task reports on a run of the same number. Two tabs that start a run at the same time give it one number: they ask for
 * one task.
 */
function hasTask(map: Y.Map<unknown>, { name, run }: MachineClaim): boolean {
  const claims = map.get('statuses')
  if (!(claims instanceof Y.Array)) return false
  return claims.toArray().some((raw: unknown) => {
    const claim = raw as Partial<MachineClaim> | null
    return claim?.machine === TASK.name && claim.name === name && claim.run?.no === run.no && claim.task !== undefined
  })
}

function cancel(
  workspace: WorkspaceId,
  block: string,
  { task, name, actor, source }: MachineClaim,
  tasks: Tasks,
  logger: Logger,
): void {
  if (task === undefined) return
  const ask = async (): Promise<void> => {
    const { subject, isCanceling } = await tasks.find(workspace, task)
    if (isCanceling || subject?.block !== block || subject.name !== name) return
    await tasks.cancel(workspace, task, { actor, source })
  }
  ask().catch((err: unknown) => {
    // A claim may name any task, and one that has ended.
    const level = err instanceof TaskError ? 'info' : 'error'
    logger[level]({ workspace, task, err }, 'the request to cancel a task came to nothing')
  })
}

/** A run that somebody has started for a saga, and that no task reports on. */
function isStart({ source, status, run, task, detail }: MachineClaim): boolean {
  if (isReservedSource(source) || isReservedSource(run.source) || task !== undefined) return false
  return (TASK.table.starts as readonly string[]).includes(status) && typeof detail?.saga === 'string'
}

/** The new claims of a record that ask for the end of a task. They need not show: the task's own reports may beat them. */
function cancelsIn({ update }: LogRecord): MachineClaim[] {
  return Y.decodeUpdate(update).structs.flatMap((struct) => {
    if (!(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentAny)) return []
    return struct.content.arr.flatMap((raw: unknown) => {
      const parsed = TASK.rules.parse(raw)
      return 'claim' in parsed && isCancel(parsed.claim) ? [parsed.claim] : []
    })
  })
}

function isCancel({ source, task, detail }: MachineClaim): boolean {
  return task !== undefined && detail?.cancel === true && !isReservedSource(source)
}
