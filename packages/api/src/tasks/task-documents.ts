import { setTimeout as wait } from 'node:timers/promises'
import { BlocksError, type ClaimAuthor, type ClaimList, deleteBlock, removeEdge } from '@joinery/blocks'
import { RESERVED_KEY } from '@joinery/protocol'
import {
  type Costs,
  LogError,
  type LogRecord,
  type Lsn,
  programPayer,
  ServerError,
  type WorkspaceId,
  type Workspaces,
  type WorkspaceView,
} from '@joinery/server'
import {
  type Commit,
  type CommitOutcome,
  DocumentError,
  type DocumentRecord,
  type Documents,
  type RefusedRequest,
  TaskError,
  type TaskView,
} from '@joinery/tasks'
import type * as Y from 'yjs'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { API_LIMITS, type ApiLimits } from '../api-limits.ts'
import { operationSchema } from '../operation-schemas.ts'
import { jsonFault } from '../request-json.ts'
import { aboutToWrite, assertContent, assertFew } from '../writes/operation-bounds.ts'
import { isStatusOperation, type Operation } from '../writes/operation-kinds.ts'
import { checkOperations, runOperations, withoutReplacedContents } from '../writes/operations.ts'
import { planRemoval, type Removal, touchedBefore } from '../writes/untouched.ts'
import { fitReports, isOfProvider, isSagaOf } from './adapter-reports.ts'
import { blocksIn } from './own-blocks.ts'
import { isEnded, TASK_AUTHOR, writeRefusal, writeTaskStatus } from './task-status.ts'
import { connectionOf, UnknownRecords, UntoldRecords } from './untold-records.ts'

/** Author of the fields and indexes that a step writes. Its statuses are those of the server. */
const STEP_AUTHOR: ClaimAuthor = { actor: TASK_AUTHOR.actor, source: 'workflow_execution' }
const STATUS_AUTHOR = TASK_AUTHOR as unknown as ClaimAuthor
const PROVIDER_AUTHOR = { actor: TASK_AUTHOR.actor, source: 'provider' } as unknown as ClaimAuthor

export interface TaskDocumentsOptions {
  readonly workspaces: Workspaces
  /** The lists of claims that blocks have. */
  readonly lists: readonly ClaimList[]
  readonly limits?: Partial<ApiLimits>
  /** Budgets of the tasks of each workspace. By default they have all the time there is. */
  readonly costs?: Pick<Costs, 'restOf'>
}

/**
 * Longest rest of a step over budget before its edit, ms. Then it is made all the same: the lease of the step ends some time, and the work of
 * many steps would be done again.
 */
const REST_MAX_MS = 5_000
/** Time between two looks at the budget of tasks that rest, ms. */
const LOOK_MS = 100

/** The documents of a server, for its tasks. */
export class TaskDocuments implements Documents {
  readonly #options: TaskDocumentsOptions
  readonly #limits: ApiLimits

  constructor(options: TaskDocumentsOptions) {
    this.#options = options
    this.#limits = { ...API_LIMITS, ...options.limits }
  }

  async commit(workspace: string, commit: Commit): Promise<void> {
    const untold = new UntoldRecords(commit)
    await this.#rest(workspace)
    for (;;) {
      try {
        return await this.#commit(workspace, { ...commit, isOwn: untold.isOwn }, untold)
      } catch (error) {
        if (!(error instanceof UnknownRecords)) throw toDocumentError(error)
        for (const lsn of error.lsns) untold.learn(lsn, await this.#recordAt(workspace, lsn))
      }
    }
  }

  /** Waits while the tasks of a workspace are over budget, and others have work. */
  async #rest(workspace: string): Promise<void> {
    const { costs } = this.#options
    if (costs === undefined) return
    const payer = { principal: programPayer('tasks', workspace), workspace }
    const untilMs = performance.now() + REST_MAX_MS
    for (let restMs = costs.restOf(payer); restMs > 0 && performance.now() < untilMs; restMs = costs.restOf(payer))
      await wait(Math.min(restMs, LOOK_MS))
  }

  /** Makes the change. Rejects with `UnknownRecords`, and has changed nothing, if records are in the way that may be the task's own. */
  async #commit(workspace: string, commit: Commit, untold: UntoldRecords): Promise<void> {
    const { lists } = this.#options
    const given = this.#parse(commit.operations ?? [], commit.saga)
    let operations = given
    let removal: Removal = { blocks: [], edges: [], kept: [] }
    let outcome: CommitOutcome = { kept: [], touched: [] }
    let task: TaskView | undefined
    const edit = {
      writer: TASK_AUTHOR,
      via: connectionOf(commit),
      payer: programPayer('tasks', workspace),
      idempotencyKey: commit.key.startsWith(RESERVED_KEY) ? commit.key : `${RESERVED_KEY}${commit.key}`,
      sync: true,
      check: (view: WorkspaceView) => {
        commit.check()
        operations = fitReports(view.doc, given, commit.saga, lists)
        checkStep(view, operations, (operation) => authorFor(operation, commit.saga, lists), lists)
        removal = planRemoval(view, commit.removeIfUntouched ?? [], commit)
        outcome = { kept: removal.kept, touched: touchedBefore(view, aboutToWrite(operations), commit) }
        untold.assertKnown([...outcome.kept, ...outcome.touched])
        task = commit.show(outcome)
      },
      run: (doc: Y.Doc) => {
        for (const operation of operations)
          runOperations(doc, [operation], authorFor(operation, commit.saga, lists), lists)
        for (const edge of removal.edges) removeEdge(doc, edge)
        for (const block of removal.blocks) deleteBlock(doc, block)
        if (task !== undefined) writeTaskStatus(doc, task, lists)
      },
      beside: (record: LogRecord | undefined) => commit.beside(record && toldOf(record), outcome),
    }
    const written = await this.#options.workspaces.write(workspace as WorkspaceId, edit)
    if (!written.repeated) return
    // The document has the change, and the journal lacks the event: it was set back, or the owner of both died in between.
    const record = await this.#recordAt(workspace, written.lsn)
    commit.check()
    await commit.beside(record && toldOf(record), outcome).durable
  }

  /** A record; undefined if it was dropped. */
  async #recordAt(workspace: string, lsn: number): Promise<LogRecord | undefined> {
    const range = { after: (lsn - 1) as Lsn, through: lsn as Lsn }
    for await (const record of this.#options.workspaces.records(workspace as WorkspaceId, range)) return record
    return undefined
  }

  /** Writes the status of a task. A document that can't take part is left as it is: the journal is the truth. */
  async show(workspace: string, task: TaskView): Promise<void> {
    const { workspaces, lists } = this.#options
    if (task.subject === undefined) return
    try {
      const { generation } = await workspaces.position(workspace as WorkspaceId)
      if (generation === undefined) return
      await workspaces.write(workspace as WorkspaceId, {
        writer: TASK_AUTHOR,
        via: connectionOf({ task: task.id }),
        payer: programPayer('tasks', workspace),
        // Results are seen once they are on the disk; what comes before a result loses to it anyway.
        sync: isEnded(task.state),
        run: (doc) => writeTaskStatus(doc, task, lists),
      })
    } catch (error) {
      throw toDocumentError(error)
    }
  }

  /** Shows a request that can't be met as a failed run. */
  async refuse(workspace: string, request: RefusedRequest): Promise<void> {
    try {
      await this.#options.workspaces.write(workspace as WorkspaceId, {
        writer: TASK_AUTHOR,
        via: 'task',
        payer: programPayer('tasks', workspace),
        sync: true,
        run: (doc) => writeRefusal(doc, request, this.#options.lists),
      })
    } catch (error) {
      throw toDocumentError(error)
    }
  }

  /** The operations of a step. Throws `refused` for what a transaction would refuse. */
  #parse(given: NonNullable<Commit['operations']>, saga: string): readonly Operation[] {
    if (given.length === 0) return []
    const fault = jsonFault(given)
    if (fault !== undefined) throw refused(`the list of operations ${fault}`)
    try {
      const { operationsMax, runOperationsMax } = this.#limits
      // A batch of an adapter starts all of its runs in one write, or none: once, in a turn as long as that of any thousand operations.
      const runsMax = given.every((operation) => isStartOf(operation, saga)) ? operationsMax : runOperationsMax
      assertFew({ operations: given }, { ...this.#limits, runOperationsMax: runsMax })
      const parsed = z.array(operationSchema).safeParse(given)
      if (!parsed.success) throw refused(issuesOf(parsed.error))
      const operations: readonly Operation[] = parsed.data
      for (const operation of operations) assertContent(operation, this.#limits.contentCharsMax)
      return withoutReplacedContents(operations)
    } catch (error) {
      throw toDocumentError(error)
    }
  }
}

/** Whether an operation starts a run of the adapter whose saga this is. */
function isStartOf(operation: unknown, saga: string): boolean {
  const { op, machine } = { ...(operation as { readonly op?: unknown; readonly machine?: unknown }) }
  return op === 'startStatus' && typeof machine === 'string' && isSagaOf(saga, machine)
}

const toldOf = (record: LogRecord): DocumentRecord => ({ lsn: record.lsn, blocks: blocksIn(record) })

/** Throws unless all operations can be made, each after the ones before it. */
function checkStep(
  view: WorkspaceView,
  operations: readonly Operation[],
  author: (operation: Operation) => ClaimAuthor,
  lists: readonly ClaimList[],
): void {
  if (operations.length === 0) return
  checkOperations(view, operations, author, lists)
}

/** The author of an operation: the server speaks for statuses of machines, a provider for its own, and a workflow for all else. */
function authorFor(operation: Operation, saga: string, lists: readonly ClaimList[]): ClaimAuthor {
  if (!isStatusOperation(operation)) return STEP_AUTHOR
  const isOwn = isSagaOf(saga, operation.machine) && isOfProvider(operation.machine, lists)
  return isOwn ? PROVIDER_AUTHOR : STATUS_AUTHOR
}

function issuesOf({ issues }: z.ZodError): string {
  const told = issues.slice(0, 5).map(({ path, message }) => `operations.${path.join('.')}: ${message}`)
  return told.join('; ').slice(0, 1_000)
}

function refused(message: string, cause?: unknown): DocumentError {
  return new DocumentError('refused', message, { cause })
}

const UNAVAILABLE: ReadonlySet<string> = new Set(['quarantined', 'too_costly', 'workspace_deleted', 'load_failed'])

/** Says whether the operations can't be made, or the document can't take part. Other errors are of the engine, or of storage. */
function toDocumentError(error: unknown): unknown {
  if (error instanceof TaskError || error instanceof DocumentError) return error
  if (error instanceof ApiError || error instanceof BlocksError) return refused(error.message, error)
  const isUnavailable =
    (error instanceof ServerError && UNAVAILABLE.has(error.code)) ||
    (error instanceof LogError && (error.code === 'deleted' || error.code === 'corrupted'))
  return isUnavailable ? new DocumentError('unavailable', (error as Error).message, { cause: error }) : error
}
