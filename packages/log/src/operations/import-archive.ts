import type { EventStore } from '../event-store.ts'
import { encodeExtent, PLAIN_EXTENT } from '../extent.ts'
import { workspaceKey } from '../key.ts'
import { encodeKeyEntry } from '../key-index.ts'
import { type LevelStore, levelStoreOf } from '../level-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { encodeSnapshot } from '../packed-snapshot.ts'
import { encodeRecord } from '../record.ts'
import {
  checkWorkspaceName,
  encodeWorkspaceIdentity,
  makeGeneration,
  type WorkspaceIdentity,
} from '../workspace-identity.ts'
import type { Write } from '../write.ts'
import type { ArchivedDamage, ArchivedWorkspace } from './archive-content.ts'
import { type ArchiveItem, readArchive } from './read-archive.ts'
import type { TrialLoad } from './trial-load.ts'
import { verifyWorkspace } from './verify-workspace.ts'
import { whileStorageWorks } from './while-storage-works.ts'

export interface ImportOptions {
  /** Only these, named as in the archive; otherwise all. */
  readonly workspaces?: readonly string[]
  /** The name that a workspace gets, and a new generation with it: it is a copy, and goes its own way. */
  readonly rename?: (workspace: string) => string
  /** Loads each before it is made visible. */
  readonly load?: (workspace: string) => TrialLoad
  /** Called now and then with records done, and how many there are. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/** What an import came to. */
export interface Imported {
  readonly workspaces: readonly { readonly workspace: string; readonly head: Lsn; readonly records: number }[]
  /** Those that were damaged when the archive was made: there is nothing of them. */
  readonly damaged: readonly ArchivedDamage[]
}

/** Bounds one batch, so that everyone else's writes go on between. */
const BATCH_BYTES = 1024 * 1024
/** More of them in an error's message tell nobody more. */
const NAMES_LISTED_MAX = 10

/**
 * Takes workspaces from an archive into a store that may be serving. `open` gives the archive from its beginning, twice:
 * all of it is checked before anything is written. What is written stays hidden, as a workspace whose purge has begun,
 * until it was read back and loaded; then all of it is visible at once. Cut short, it leaves nothing but such workspaces,
 * for `purge`. Throws the storage error as soon as storage fails, `corrupted` with the byte of the archive, and `invalid` for a workspace that is there already,
 * deleted or not, or one that the archive does not have.
 */
export function importArchive(
  store: EventStore,
  open: () => AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<Imported> {
  return whileStorageWorks(store, options.signal, (signal) =>
    importAll(levelStoreOf(store), open, { ...options, signal }),
  )
}

async function importAll(
  level: LevelStore,
  open: () => AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<Imported> {
  const survey = await surveyArchive(open(), options)
  const names = new Set([...survey.wanted].map((name) => options.rename?.(name) ?? name))
  if (names.size < survey.wanted.size) {
    const held = [...survey.wanted].sort().slice(0, NAMES_LISTED_MAX).join(', ')
    throw new LogError('invalid', `the archive has ${survey.wanted.size} workspaces for one name: say which (${held})`)
  }
  const imports: WorkspaceImport[] = []
  try {
    let current: WorkspaceImport | undefined
    let done = 0
    for await (const item of readArchive(open())) {
      options.signal?.throwIfAborted()
      if (item.kind === 'workspace' && survey.wanted.has(item.workspace.workspace)) {
        current = await WorkspaceImport.begin(level, item.workspace, options)
        imports.push(current)
      } else if (item.kind === 'workspaceEnd' && current !== undefined) {
        await current.verify(options)
        current = undefined
      } else await current?.take(item)
      if (item.kind !== 'records' || current === undefined) continue
      done += item.records.length
      options.onProgress?.(done, survey.records)
    }
    await write(
      level,
      imports.flatMap((each) => each.revealed()),
      { sync: true },
    )
  } catch (error) {
    for (const each of imports) await each.discard()
    throw error
  }
  return { workspaces: imports.map((each) => each.outcome), damaged: survey.damaged }
}

/** What is to be imported; reads the whole archive. */
async function surveyArchive(source: AsyncIterable<Uint8Array>, options: ImportOptions) {
  const wanted = new Set<string>()
  const damaged: ArchivedDamage[] = []
  let records = 0
  let last: string | undefined
  for await (const item of readArchive(source)) {
    options.signal?.throwIfAborted()
    if (item.kind === 'workspace') {
      last = item.workspace.workspace
      if (wanted.has(last)) throw new LogError('corrupted', `the archive has workspace ${last} twice`)
      if (options.workspaces?.includes(last) !== false) wanted.add(last)
    } else if (item.kind === 'damaged') {
      wanted.delete(item.damage.workspace)
      damaged.push(item.damage)
    } else if (item.kind === 'records' && last !== undefined && wanted.has(last)) records += item.records.length
  }
  for (const workspace of options.workspaces ?? []) {
    if (wanted.has(workspace)) continue
    const why = damaged.find((each) => each.workspace === workspace)?.reason
    const message = why === undefined ? 'is not in the archive' : `was damaged when the archive was made: ${why}`
    throw new LogError('invalid', `workspace ${workspace} ${message}`, { workspace })
  }
  return { wanted, damaged, records }
}

/** One workspace on its way in. */
class WorkspaceImport {
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

  /** Takes the name, hidden. */
  static async begin(
    store: LevelStore,
    archived: ArchivedWorkspace,
    { rename }: ImportOptions,
  ): Promise<WorkspaceImport> {
    const workspace = rename?.(archived.workspace) ?? archived.workspace
    checkWorkspaceName(workspace)
    await assertAbsent(store, workspace)
    try {
      return await store.alone(workspace, async () => {
        await assertAbsent(store, workspace)
        const isCopy = workspace !== archived.workspace
        const identity = {
          number: store.takeWorkspaceNumber(),
          generation: isCopy ? makeGeneration() : archived.generation,
          createdAt: archived.createdAt,
        }
        const hidden = { ...identity, deleted: { at: store.now(), isPurging: true } }
        await write(store, encodeWorkspaceIdentity(workspace, hidden), { sync: true })
        return new WorkspaceImport(store, archived, workspace, identity)
      })
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'locked') throw error
      // Somebody is about to write its first record.
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
  async verify({ load, signal }: ImportOptions): Promise<void> {
    const { number } = this.#identity
    const { firstLsn, snapshotLsn } = this.#archived
    // Sealing goes on from there: there is nothing to seal before the first record.
    const extent = { firstLsn, snapshotLsn, sealedLsn: (firstLsn - 1) as Lsn }
    const isPlain = firstLsn === PLAIN_EXTENT.firstLsn && snapshotLsn === PLAIN_EXTENT.snapshotLsn
    if (!isPlain) this.#waiting.push(encodeExtent(number, extent))
    await this.#flush()
    const moment = this.#store.disk.pin()
    try {
      const stored = { moment, workspace: this.#workspace, number, identity: this.#identity }
      const begin = load && (() => load(this.#workspace))
      const look = { ...stored, witnessed: this.#archived.head, load: begin, onRecord: () => undefined, signal }
      const { problems } = await verifyWorkspace(look)
      if (problems[0] !== undefined) throw new LogError('corrupted', problems[0].message)
    } finally {
      await moment.close()
    }
  }

  /** The writes that make it visible. */
  revealed(): Write[] {
    const { deletedAt } = this.#archived
    const deleted = deletedAt === undefined ? undefined : { at: deletedAt, isPurging: false }
    return encodeWorkspaceIdentity(this.#workspace, { ...this.#identity, ...(deleted && { deleted }) })
  }

  /** Takes away what was written. While storage fails that can't be done: it stays hidden, for `purge`. */
  async discard(): Promise<void> {
    try {
      await this.#store.purge(this.#workspace)
    } catch (error) {
      if (!(error instanceof LogError)) throw error
    }
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
    await write(this.#store, writes)
  }
}

async function assertAbsent(store: LevelStore, workspace: string): Promise<void> {
  if ((await store.disk.get(workspaceKey(workspace))) === undefined) return
  const message = `workspace ${workspace} is there already, or was deleted and not purged: import it under another name`
  throw new LogError('invalid', message, { workspace })
}

function write(store: LevelStore, writes: readonly Write[], { sync = false } = {}): Promise<void> {
  if (writes.length === 0) return Promise.resolve()
  store.assertOpen()
  const group = store.group()
  group.writes.push(...writes)
  if (sync) group.needsSync = true
  return group.durable
}
