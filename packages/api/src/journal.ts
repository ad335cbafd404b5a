import type { Workspaces } from '@joinery/server'
import { ApiError } from './api-error.ts'
import { paced } from './paced.ts'
import type { LogRecord, Lsn, WorkspaceId } from './workspace-name.ts'

/** A record without its bytes. */
export type RecordHead = Omit<LogRecord, 'update'>

/** The request that an idempotency key stands for. */
export interface KeyedWrite {
  readonly lsn: number
  readonly actor: string
  /** What the record has as connection: tells requests under one key apart. */
  readonly via: string
}

/** Heads remembered: more than writes are on their way at once; an older one is read from the log. About 200 KB. */
const RECORDS_MAX = 1_000

/**
 * What the API keeps of one workspace's log while it is used: the heads of the latest records, and which idempotency
 * keys were used. The keys come from the log, so they outlive a restart.
 */
export class Journal {
  readonly workspace: WorkspaceId
  lastUsedMs = performance.now()
  readonly #workspaces: Workspaces
  readonly #keysMax: number
  readonly #records = new Map<number, RecordHead>()
  readonly #keys = new Map<string, KeyedWrite>()
  #keysLoaded: Promise<void> | undefined
  #head = 0
  #stop: (() => void) | undefined

  private constructor(workspaces: Workspaces, workspace: WorkspaceId, keysMax: number) {
    this.#workspaces = workspaces
    this.workspace = workspace
    this.#keysMax = keysMax
  }

  static async open(workspaces: Workspaces, workspace: WorkspaceId, keysMax: number): Promise<Journal> {
    const journal = new Journal(workspaces, workspace, keysMax)
    journal.#stop = await workspaces.follow(workspace, (record) => journal.#take(record))
    const head = await workspaces.read(workspace, (view) => view.head)
    journal.#head = Math.max(journal.#head, head)
    return journal
  }

  /** LSN of the last record seen. When the workspace's own head differs, the journal has lost its room: open another. */
  get head(): number {
    return this.#head
  }

  /** Resolves when the keys of the whole log are known. */
  loadKeys(): Promise<void> {
    this.#keysLoaded ??= this.#readKeys().catch((error: unknown) => {
      // For the next request to try again.
      this.#keysLoaded = undefined
      throw error
    })
    return this.#keysLoaded
  }

  /** The write that used this key; call after {@link loadKeys}. */
  keyed(key: string): KeyedWrite | undefined {
    return this.#keys.get(key)
  }

  /** Remembers a keyed write that changed nothing, and so has no record. */
  noteKey(key: string, write: KeyedWrite): void {
    this.#keys.delete(key)
    this.#keys.set(key, write)
    if (this.#keys.size <= this.#keysMax) return
    for (const oldest of this.#keys.keys()) {
      this.#keys.delete(oldest)
      return
    }
  }

  async recordAt(lsn: number): Promise<RecordHead> {
    const known = this.#records.get(lsn)
    if (known !== undefined) return known
    const range = { after: (lsn - 1) as Lsn, through: lsn as Lsn }
    for await (const record of this.#workspaces.records(this.workspace, range)) return headOf(record)
    throw new ApiError('internal', `record ${lsn} was written and is not in the log`)
  }

  close(): void {
    this.#stop?.()
  }

  async #readKeys(): Promise<void> {
    // Those followed meanwhile are later than all that are read, and stay so in the order of forgetting.
    const followed = [...this.#keys]
    this.#keys.clear()
    for await (const record of paced(this.#workspaces.records(this.workspace))) this.#noteKeyOf(record)
    for (const [key, write] of followed) if (!this.#keys.has(key)) this.noteKey(key, write)
  }

  #take(record: LogRecord): void {
    this.#head = record.lsn
    this.#records.set(record.lsn, headOf(record))
    this.#records.delete(record.lsn - RECORDS_MAX)
    this.#noteKeyOf(record)
  }

  #noteKeyOf({ idempotencyKey, lsn, actor, connection }: LogRecord): void {
    if (idempotencyKey !== undefined) this.noteKey(idempotencyKey, { lsn, actor, via: connection })
  }
}

function headOf({ update: _update, ...head }: LogRecord): RecordHead {
  return head
}
