import {
  type EventStore,
  type LogEntry,
  LogError,
  type LogRecord,
  type LogState,
  type Receipt,
  type WorkspaceLog,
} from '@joinery/log'
import { DelegatingLog, DelegatingStore } from '@joinery/log/testing'
import type { WorkspaceId } from '@joinery/protocol'
import type { Hold, Ownership } from '../content/ownership.ts'

/** Turns of the event loop after which an append is durable. */
const TURNS_TO_DURABLE = 3

/** The first sign of a loss that a server gets: the lost hold, or the fenced log. */
export type LossOrder = 'lost first' | 'fenced first'

interface Owner {
  readonly node: string
  readonly token: number
  hold: { readonly lost: AbortController } | undefined
}

/**
 * Workspaces that a test hands over between servers of one process. The servers share one store, as machines share a
 * replicated log. At a hand-over, the old owner's records that are not durable yet are lost.
 */
export class HandOver {
  readonly #store: EventStore
  readonly #owners = new Map<WorkspaceId, Owner>()
  readonly #logs = new Map<string, HandedLog>()
  readonly #opening = new Map<string, Promise<unknown>>()
  /** Forbidden actions of old owners after the loss of a workspace. */
  readonly violations: string[] = []
  /** Every update that was ever appended, lost ones included. */
  readonly appended: Uint8Array[] = []
  /** Number of appends that hand-overs lost. */
  lostAppends = 0
  #token = 0

  constructor(store: EventStore) {
    this.#store = store
  }

  /** The shared store as the server `node` sees it. The store outlives its servers. */
  storeOf(node: string): EventStore {
    return new HandedStore(this.#store, (workspace) => this.#openInTurn(workspace as WorkspaceId, node))
  }

  /** Ownership for the server `node`. The first server that claims a workspace owns it until {@link give}. */
  ownershipOf(node: string): Ownership {
    return {
      claim: async (workspace) => {
        const owner = this.#owners.get(workspace) ?? this.#make(workspace, node)
        return owner.node === node ? { held: this.#hold(owner) } : { at: owner.node }
      },
    }
  }

  ownerOf(workspace: WorkspaceId): string | undefined {
    return this.#owners.get(workspace)?.node
  }

  /** Gives the workspace to the server `node` at once, whatever its owner is doing. */
  async give(workspace: WorkspaceId, node: string, order: LossOrder): Promise<void> {
    const before = this.#owners.get(workspace)
    this.#make(workspace, node)
    const log = this.#logs.get(workspace)
    const lose = (): void => before?.hold?.lost.abort()
    if (order === 'lost first') lose()
    // From now on, an old owner that knows of the loss must do nothing, and every append of one that does not must
    // fail.
    const fenced = log?.fence(order === 'lost first')
    if (order === 'fenced first') setImmediate(lose)
    await fenced
  }

  /** Opens the log after the earlier opens. The log of the owner before is fenced by then, and closes by itself. */
  #openInTurn(workspace: WorkspaceId, node: string): Promise<HandedLog> {
    const before = this.#opening.get(workspace)
    const opening = (async () => {
      await before?.catch(() => undefined)
      await this.#logs.get(workspace)?.fenced
      return await this.#open(workspace, node)
    })()
    this.#opening.set(workspace, opening)
    return opening
  }

  async #open(workspace: WorkspaceId, node: string): Promise<HandedLog> {
    const owner = this.#owners.get(workspace)
    if (owner?.node !== node) throw new LogError('fenced', `another server holds workspace ${workspace} now`)
    const log = new HandedLog(await this.#store.open(workspace), this)
    this.#logs.set(workspace, log)
    if (this.#owners.get(workspace) !== owner) await log.fence(false)
    return log
  }

  #make(workspace: WorkspaceId, node: string): Owner {
    const owner: Owner = { node, token: ++this.#token, hold: undefined }
    this.#owners.set(workspace, owner)
    return owner
  }

  #hold(owner: Owner): Hold {
    const lost = new AbortController()
    owner.hold = { lost }
    return { token: owner.token, lost: lost.signal, release: async () => undefined }
  }
}

class HandedStore extends DelegatingStore {
  override readonly open: (workspace: string) => Promise<WorkspaceLog>

  constructor(inner: EventStore, open: (workspace: string) => Promise<WorkspaceLog>) {
    super(inner)
    this.open = open
  }

  override close(): Promise<void> {
    return Promise.resolve()
  }
}

/** A log whose appends become durable after a few turns. A fence before that loses them. */
class HandedLog extends DelegatingLog {
  readonly #world: HandOver
  #waiting: { entry: LogEntry; at: number; done: PromiseWithResolvers<void> }[] = []
  #isRunning = false
  #fence: LogError | undefined
  #isKnownLost = false
  /** Resolves when the fenced log is closed; undefined before the fence. */
  fenced: Promise<void> | undefined

  constructor(inner: WorkspaceLog, world: HandOver) {
    super(inner)
    this.#world = world
  }

  override get state(): LogState {
    return this.#fence === undefined ? this.inner.state : { state: 'fenced', error: this.#fence }
  }

  override get head() {
    return (this.inner.head + this.#waiting.length) as WorkspaceLog['head']
  }

  override append(entry: LogEntry): Receipt {
    if (this.#isKnownLost) this.#world.violations.push(`a record by ${entry.actor} after the loss`)
    if (this.#fence !== undefined) throw this.#fence
    const at = Date.now()
    const done = Promise.withResolvers<void>()
    done.promise.catch(() => undefined)
    this.#waiting.push({ entry: { ...entry, update: Uint8Array.from(entry.update) }, at, done })
    this.#world.appended.push(Uint8Array.from(entry.update))
    void this.#run()
    return { lsn: this.head, at, durable: done.promise }
  }

  override async lsnOfKey(key: string) {
    const at = this.#waiting.findIndex(({ entry }) => entry.idempotencyKey === key)
    if (at >= 0) return (this.inner.head + at + 1) as WorkspaceLog['head']
    return await this.#unlessFenced(() => this.inner.lsnOfKey(key))
  }

  override lsnAt(at: number) {
    return this.#unlessFenced(() => this.inner.lsnAt(at))
  }

  override latestSnapshot(...args: Parameters<WorkspaceLog['latestSnapshot']>) {
    return this.#unlessFenced(() => this.inner.latestSnapshot(...args))
  }

  override async *read(range: Parameters<WorkspaceLog['read']>[0] = {}): AsyncGenerator<LogRecord> {
    // Waits for the records that are not durable yet.
    while (this.#waiting.length > 0 && this.#fence === undefined) await turn()
    if (this.#fence !== undefined) throw this.#fence
    yield* this.inner.read(range)
  }

  override async snapshot(...args: Parameters<WorkspaceLog['snapshot']>): Promise<void> {
    if (this.#isKnownLost) this.#world.violations.push('a snapshot after the loss')
    while (this.#waiting.length > 0 && this.#fence === undefined) await turn()
    if (this.#fence !== undefined) throw this.#fence
    await this.inner.snapshot(...args)
  }

  override async close(): Promise<void> {
    while (this.#waiting.length > 0 && this.#fence === undefined) await turn()
    await this.fenced
    if (this.#fence === undefined) await this.inner.close()
  }

  /** Fences the log. Resolves when another server may open it. */
  fence(isKnownLost: boolean): Promise<void> {
    if (this.#fence !== undefined) return this.fenced ?? Promise.resolve()
    const { workspace } = this
    const fence = new LogError('fenced', `another server holds workspace ${workspace} now`, { workspace })
    this.#fence = fence
    this.#isKnownLost = isKnownLost
    this.#world.lostAppends += this.#waiting.length
    for (const { done } of this.#waiting) done.reject(fence)
    this.#waiting = []
    this.fenced = this.inner.close()
    return this.fenced
  }

  /**
   * Runs `read` unless the log is fenced. The shared store would still answer: another server may have the log open.
   */
  async #unlessFenced<T>(read: () => Promise<T>): Promise<T> {
    if (this.#fence !== undefined) throw this.#fence
    try {
      return await read()
    } catch (error) {
      throw this.#fence ?? error
    }
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      for (let turns = 0; turns < TURNS_TO_DURABLE; turns++) await turn()
      const durable = this.#waiting
      this.#waiting = []
      for (const { entry, done } of durable) this.inner.append(entry).durable.then(done.resolve, done.reject)
    }
    this.#isRunning = false
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
