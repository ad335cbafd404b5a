import type { EventStore, WorkspaceLog } from '@joinery/log'
import { type Commit, type CommitOutcome, DocumentError, type Documents } from '../documents.ts'
import type { TaskView } from '../task.ts'

const WRITER = { actor: 'joinery', source: 'workflow_execution', connection: 'test', touched: [] }

/**
 * Documents that are nothing but a log: each commit is one record with its operations, written with the event beside it in one
 * write. It keeps the contract of `Documents` without knowing what a block is.
 */
export class PlainDocuments implements Documents {
  readonly #store: EventStore
  readonly #logs = new Map<string, Promise<WorkspaceLog>>()
  /** The task as it was shown last. */
  readonly shown = new Map<string, TaskView>()
  /** Thrown by the next calls. */
  failure: DocumentError | undefined
  /** Blocks that somebody else has changed. */
  readonly changed = new Map<string, { version: number; by: string }>()

  constructor(store: EventStore) {
    this.#store = store
  }

  async commit(workspace: string, commit: Commit): Promise<void> {
    const log = await this.#open(workspace)
    if (this.failure !== undefined) throw this.failure
    if ((await log.lsnOfKey(commit.key)) !== undefined) return
    const written = this.#store.atomically(() => {
      commit.check()
      const { operations = [], removeIfUntouched = [] } = commit
      if (operations.includes('refuse')) throw new DocumentError('refused', 'an operation can’t be made')
      const kept = removeIfUntouched.flatMap((block) => {
        const change = this.changed.get(block)
        return change === undefined ? [] : [{ block, ...change }]
      })
      const outcome: CommitOutcome = { kept, touched: [] }
      const view = commit.show(outcome)
      const update = Buffer.from(JSON.stringify({ operations, removed: removeIfUntouched, state: view.state }))
      const { lsn, durable } = log.append({ ...WRITER, update, idempotencyKey: commit.key }, { sync: true })
      const beside = commit.beside({ lsn, blocks: [] }, outcome)
      this.shown.set(view.id, view)
      return [durable, beside.durable]
    })
    await Promise.all(written)
  }

  async show(_workspace: string, task: TaskView): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    this.shown.set(task.id, task)
  }

  /** The records of the commits, in order. */
  async written(workspace: string): Promise<unknown[]> {
    const log = await this.#open(workspace)
    const records = await Array.fromAsync(log.read())
    return records.map(({ update }) => JSON.parse(Buffer.from(update).toString()) as unknown)
  }

  async close(): Promise<void> {
    for (const log of this.#logs.values()) await (await log).close()
  }

  #open(workspace: string): Promise<WorkspaceLog> {
    const log = this.#logs.get(workspace) ?? this.#store.open(workspace)
    this.#logs.set(workspace, log)
    return log
  }
}
