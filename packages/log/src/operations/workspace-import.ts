import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { CHAIN_START, type ChainMark } from '../records/chain.ts'
import { encodeExtent, PLAIN_EXTENT } from '../records/extent.ts'
import { encodeChainMarks, encodeChainValue } from '../records/kept-chain.ts'
import { workspaceKey } from '../records/key.ts'
import { encodeKeyEntry } from '../records/key-entry.ts'
import { encodeSnapshot } from '../records/packed-snapshot.ts'
import { encodeRecord } from '../records/record.ts'
import {
  checkWorkspaceName,
  encodeWorkspaceIdentity,
  makeGeneration,
  type WorkspaceIdentity,
} from '../records/workspace-identity.ts'
import type { Write } from '../records/write.ts'
import type { LevelStore } from '../store/level-store.ts'
import { writeThrough } from '../store/write-through.ts'
import type { ArchivedWorkspace } from './archive-content.ts'
import type { ArchiveItem } from './read-archive.ts'
import { type TrialOptions, trialOf } from './trial-load.ts'
import { verifyWorkspace } from './verify-workspace.ts'

/** How the written workspace is tried. */
interface ReadBack extends TrialOptions {
  readonly signal?: AbortSignal
}

/** Most writes of one batch: writes of others go on in between. */
const BATCH_BYTES = 1024 * 1024

/**
 * One workspace that is being imported. It is hidden, as one whose purge has begun, until it was read back and loaded.
 */
export class WorkspaceImport {
  readonly #store: LevelStore
  readonly #archived: ArchivedWorkspace
  readonly #workspace: string
  readonly #identity: WorkspaceIdentity
  #records = 0
  #waiting: Write[] = []
  #waitingBytes = 0

  private constructor(store: LevelStore, archived: ArchivedWorkspace, workspace: string, identity: WorkspaceIdentity) {
    this.#store = store
    this.#archived = archived
    this.#workspace = workspace
    this.#identity = identity
  }

  /**
   * Takes the name, hidden. Under another name than in the archive it is a copy, with a generation of its own, unless one is given.
   */
  static async begin(
    store: LevelStore,
    archived: ArchivedWorkspace,
    workspace: string,
    given?: string,
  ): Promise<WorkspaceImport> {
    checkWorkspaceName(workspace)
    await assertAbsent(store, workspace)
    try {
      return await store.alone(workspace, async () => {
        await assertAbsent(store, workspace)
        const isCopy = workspace !== archived.workspace
        const identity = {
          number: store.takeWorkspaceNumber(),
          generation: given ?? (isCopy ? makeGeneration() : archived.generation),
          createdAt: archived.createdAt,
        }
        const hidden = { ...identity, deleted: { at: store.now(), isPurging: true } }
        await writeThrough(store, encodeWorkspaceIdentity(workspace, hidden), { sync: true })
        return new WorkspaceImport(store, archived, workspace, identity)
      })
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'locked') throw error
      // Its log is open, and its first record may be written at any moment.
      const message = `workspace ${workspace} is in use: import it under another name`
      throw new LogError('invalid', message, { workspace, cause: error })
    }
  }

  async take(item: ArchiveItem): Promise<void> {
    const { number } = this.#identity
    if (item.kind === 'snapshot') await this.#add(await encodeSnapshot(number, item.snapshot))
    if (item.kind === 'keys') await this.#add(item.keys.map(([key, lsn]) => encodeKeyEntry(number, key, lsn)))
    if (item.kind !== 'records') return
    for (const record of item.records) {
      const { lsn, at, idempotencyKey } = record
      const writes: Write[] = [encodeRecord(number, lsn, at, record)]
      if (idempotencyKey !== undefined) writes.push(encodeKeyEntry(number, idempotencyKey, lsn))
      await this.#add(writes)
    }
    this.#records += item.records.length
  }

  /** Writes what waits, reads all of it back and loads it. Throws `corrupted`. */
  async verify({ signal, ...trials }: ReadBack): Promise<void> {
    const { number } = this.#identity
    const { firstLsn, snapshotLsn } = this.#archived
    // Sealing begins there: there is nothing to seal before the first record.
    const extent = { firstLsn, snapshotLsn, sealedLsn: (firstLsn - 1) as Lsn }
    const isPlain = firstLsn === PLAIN_EXTENT.firstLsn && snapshotLsn === PLAIN_EXTENT.snapshotLsn
    if (!isPlain) this.#waiting.push(encodeExtent(number, extent))
    this.#waiting.push(...this.#chainWrites())
    await this.#flush()
    const moment = this.#store.disk.pin()
    try {
      const stored = { moment, workspace: this.#workspace, number, identity: this.#identity }
      const look = {
        ...stored,
        witnessed: this.#archived.head,
        load: trialOf(trials, this.#workspace),
        onRecord: () => undefined,
        signal,
      }
      const { problems } = await verifyWorkspace(look)
      if (problems[0] !== undefined) throw new LogError('corrupted', problems[0].message)
    } finally {
      await moment.close()
    }
  }

  /** The beginning of its chain. In a copy, a mark behind the last record names the copy's own generation. */
  #chainWrites(): Write[] {
    const { number, generation } = this.#identity
    const { chain, firstLsn, head, generation: archived } = this.#archived
    if (chain === undefined) return []
    const values = new Map(chain.dropped)
    if (chain.base !== CHAIN_START) values.set((firstLsn - 1) as Lsn, chain.base)
    const own: ChainMark[] = generation === archived ? [] : [{ after: head, generation }]
    return [
      ...encodeChainMarks(number, [...chain.marks, ...own]),
      ...[...values].map(([lsn, value]) => encodeChainValue(number, lsn, value)),
    ]
  }

  /** The writes that make the workspace visible. */
  revealed(): Write[] {
    const { deletedAt } = this.#archived
    const deleted = deletedAt === undefined ? undefined : { at: deletedAt, isPurging: false }
    return encodeWorkspaceIdentity(this.#workspace, { ...this.#identity, ...(deleted && { deleted }) })
  }

  /** Deletes the written entries. While storage fails that is impossible: they stay hidden, for `purge`. */
  async discard(): Promise<void> {
    try {
      await this.#store.purge(this.#workspace, { withLogs: false })
    } catch (error) {
      if (!(error instanceof LogError)) throw error
    }
  }

  /** The identity once it is visible. */
  get identity(): WorkspaceIdentity {
    return this.#identity
  }

  get outcome() {
    return { workspace: this.#workspace, head: this.#archived.head, records: this.#records }
  }

  async #add(writes: readonly Write[]): Promise<void> {
    for (const each of writes) {
      this.#waiting.push(each)
      this.#waitingBytes += each.key.byteLength + (each.type === 'put' ? each.value.byteLength : 0)
    }
    if (this.#waitingBytes >= BATCH_BYTES) await this.#flush()
  }

  async #flush(): Promise<void> {
    const writes = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    await writeThrough(this.#store, writes)
  }
}

async function assertAbsent(store: LevelStore, workspace: string): Promise<void> {
  if ((await store.disk.get(workspaceKey(workspace))) === undefined) return
  const message = `workspace ${workspace} is there already, or is deleted and not purged: import it under another name`
  throw new LogError('invalid', message, { workspace })
}
