import { AtomicWork } from '../atomic-work.ts'
import { type Clock, systemClock } from '../clock.ts'
import type { AdoptingLog, AdoptingStore, DamagedLog, PurgeOptions, StoreState } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import type { LogObserver } from '../observer.ts'
import { checkWorkspaceName, deletedWorkspace, makeGeneration } from '../records/workspace-identity.ts'
import { assertDeletable, assertPurgeable, isSystemLog, workspaceOfSystemLog } from '../system-log.ts'
import { type History, MemoryLog } from './memory-log.ts'

export interface MemoryStoreOptions {
  readonly clock?: Clock
  readonly observer?: LogObserver
}

/** A store that lasts as long as the process: for tests and demonstrations. */
export function openMemoryStore(options: MemoryStoreOptions = {}): AdoptingStore {
  return new MemoryStore(options.clock ?? systemClock, options.observer ?? {})
}

class MemoryStore implements AdoptingStore {
  readonly durability = 'memory'
  readonly copy = makeGeneration()
  readonly clock: Clock
  readonly observer: LogObserver
  readonly atomic = new AtomicWork()
  readonly #histories = new Map<string, History>()
  readonly #openNames = new Set<string>()
  readonly #listeners = new Set<(state: StoreState) => void>()
  #isClosed = false

  constructor(clock: Clock, observer: LogObserver) {
    this.clock = clock
    this.observer = observer
  }

  get state(): StoreState {
    return this.#isClosed ? { state: 'closed' } : { state: 'open' }
  }

  onStateChange(listener: (state: StoreState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async open(workspace: string): Promise<AdoptingLog> {
    checkWorkspaceName(workspace)
    this.assertOpen()
    if (this.#openNames.has(workspace)) {
      throw new LogError('locked', `workspace ${workspace} is open already: close that log first`)
    }
    this.#assertAlive(workspace)
    this.#openNames.add(workspace)
    const history = this.#histories.get(workspace) ?? {
      generation: undefined,
      records: [],
      firstLsn: 1 as Lsn,
      snapshots: [],
      keys: new Map(),
      bytesSinceSnapshot: 0,
    }
    return new MemoryLog(workspace, history, this)
  }

  async openDamaged(workspace: string): Promise<DamagedLog> {
    checkWorkspaceName(workspace)
    this.assertOpen()
    this.#assertAlive(workspace)
    throw new LogError('invalid', `nothing of workspace ${workspace} is damaged: a log in memory never is`)
  }

  async *workspaces(): AsyncGenerator<string> {
    yield* this.#names((name, { deletedAt }) => deletedAt === undefined && !isSystemLog(name))
  }

  async *systemLogs(): AsyncGenerator<string> {
    yield* this.#names((name) => isSystemLog(name))
  }

  async *tombstones(): AsyncGenerator<string> {
    yield* this.#names((name, { deletedAt }) => deletedAt !== undefined && !isSystemLog(name))
  }

  atomically<T>(work: () => T): T {
    return this.atomic.run(work)
  }

  async tombstone(workspace: string): Promise<void> {
    assertDeletable(workspace)
    this.#closed(workspace).deletedAt ??= this.clock.now()
  }

  async undelete(workspace: string): Promise<void> {
    delete this.#closed(workspace).deletedAt
  }

  async purge(workspace: string, { beside }: PurgeOptions = {}): Promise<void> {
    const { deletedAt } = this.#closed(workspace)
    if (isSystemLog(workspace)) assertPurgeable(workspace, this.#histories.has(workspaceOfSystemLog(workspace) ?? ''))
    else if (deletedAt === undefined) {
      throw new LogError('invalid', `workspace ${workspace} is not deleted: delete it first`, { workspace })
    }
    const belonging = [...this.#histories.keys()].filter((name) => workspaceOfSystemLog(name) === workspace)
    for (const name of belonging) this.#closed(name)
    await beside?.()
    for (const name of [workspace, ...belonging]) this.#histories.delete(name)
  }

  async discard(name: string): Promise<void> {
    if (this.#openNames.has(name) || this.#histories.has(name)) this.#closed(name)
    this.#histories.delete(name)
  }

  async generationOf(name: string): Promise<string | undefined> {
    this.assertOpen()
    return this.#histories.get(name)?.generation
  }

  /** The history of a workspace that has no open log. */
  #closed(workspace: string): History {
    checkWorkspaceName(workspace)
    this.assertOpen()
    if (this.#openNames.has(workspace)) {
      throw new LogError('locked', `workspace ${workspace} is open already: close that log first`, { workspace })
    }
    const history = this.#histories.get(workspace)
    if (history !== undefined) return history
    throw new LogError('invalid', `workspace ${workspace} does not exist`, { workspace })
  }

  #assertAlive(workspace: string): void {
    const { deletedAt } = this.#histories.get(workspace) ?? {}
    if (deletedAt !== undefined) throw deletedWorkspace(workspace, deletedAt)
  }

  *#names(isWanted: (name: string, history: History) => boolean): Generator<string> {
    this.assertOpen()
    const wanted = [...this.#histories].filter(([name, history]) => isWanted(name, history))
    const names = wanted.map(([name]) => Buffer.from(name)).sort(Buffer.compare)
    for (const name of names) yield name.toString()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#histories.clear()
    for (const listener of [...this.#listeners]) listener(this.state)
  }

  assertOpen(): void {
    if (this.#isClosed) throw new LogError('closed', 'the log in memory is closed')
  }

  keep(workspace: string, history: History): void {
    this.#histories.set(workspace, history)
  }

  drop(workspace: string): void {
    this.#histories.delete(workspace)
  }

  release(workspace: string): void {
    this.#openNames.delete(workspace)
  }
}
