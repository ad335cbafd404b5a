import { join } from 'node:path'
import type { EventStore, LogEntry } from '../event-store.ts'
import { KIND, ownRange, workspaceKey } from '../key.ts'
import { decodeKeyEntry } from '../key-index.ts'
import { type Rung, readRung } from '../ladder.ts'
import { type LevelStore, levelStoreOf } from '../level-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { readStoredRuns } from '../stored-records.ts'
import { packAgainst } from '../take-snapshot.ts'
import { decodeWorkspaceIdentity, encodeWorkspaceIdentity } from '../workspace-identity.ts'
import { isDamage } from './problem.ts'
import { keepRemains, type Remains } from './remains.ts'
import type { RepairPlan } from './repair-plan.ts'
import { type RepairSurvey, type SurveyOptions, survey } from './repair-survey.ts'
import type { WorkspaceLook } from './verify-workspace.ts'
import { whileStorageWorks } from './while-storage-works.ts'
import { WorkspaceImport } from './workspace-import.ts'
import { writeThrough } from './write-through.ts'

/** Beside the database: files of what repairs have put aside. */
const REMAINS_DIRECTORY = 'repaired'
const KEYS_PER_STEP = 10_000

export interface RepairOptions extends SurveyOptions {
  /** The data directory: what was there before is kept in it, in a file under `repaired`. */
  readonly directory: string
  /** The record that stands behind those that are kept, and says what happened. */
  readonly note: LogEntry
}

/** What a repair did. */
export interface Repaired extends RepairSurvey {
  /** Everything that was there, as it was. */
  readonly remains: Remains
  /** Another than before if records behind what is kept were dropped: whoever has those must not take others for them. */
  readonly newGeneration: string
  /** LSN of the note. */
  readonly head: Lsn
}

/**
 * Makes the last good state of a damaged workspace its end, so that it can be written to again. What is kept is copied
 * and verified first, hidden; all that was there is written to a file and read back; then the copy takes the workspace's
 * place, in one write. Cut short before that, the workspace is as it was, and a hidden copy stays for `purge`. Throws
 * `invalid` if nothing is damaged, `locked` while the workspace is open, `deleted`, `corrupted` where no good state can
 * be told, or the storage error.
 */
export function repairWorkspace(store: EventStore, workspace: string, options: RepairOptions): Promise<Repaired> {
  return whileStorageWorks(store, options.signal, async (signal) => {
    const level = levelStoreOf(store)
    const { hidden, repaired } = await level.alone(workspace, () => repair(level, workspace, { ...options, signal }))
    // It is done: what can't be removed of what was there before stays hidden.
    await store.purge(hidden).catch(ifOfLog)
    return repaired
  })
}

async function repair(level: LevelStore, workspace: string, options: RepairOptions) {
  const moment = level.disk.pin()
  try {
    const { look, plan, told } = await survey(moment, workspace, options)
    if (plan === undefined) {
      throw new LogError('invalid', `nothing of workspace ${workspace} is damaged`, { workspace })
    }
    const hidden = `joinery repair of workspace number ${look.number}`
    await clearLeftover(level, hidden)
    const copy = await copyKept(level, { look, plan, hidden }, options)
    try {
      const { number, identity } = look
      const { generation, createdAt } = identity
      const at = level.now()
      const reason = told.problems[0]?.message ?? ''
      const head = { storeId: level.disk.storeId, workspace, number, generation, at, reason }
      const remains = await keepRemains(join(options.directory, REMAINS_DIRECTORY), moment, head)
      options.signal?.throwIfAborted()
      const newGeneration = told.droppedBehind > 0 ? copy.identity.generation : generation
      const writes = [
        ...encodeWorkspaceIdentity(workspace, { ...copy.identity, createdAt, generation: newGeneration }),
        ...encodeWorkspaceIdentity(hidden, { number, generation, createdAt, deleted: { at, isPurging: true } }),
      ]
      await writeThrough(level, writes, { sync: true })
      return { hidden, repaired: { ...told, remains, newGeneration, head: copy.outcome.head } }
    } catch (error) {
      await copy.discard()
      throw error
    }
  } finally {
    await moment.close()
  }
}

/** Of a repair that was cut short. */
async function clearLeftover(level: LevelStore, hidden: string): Promise<void> {
  const value = await level.disk.get(workspaceKey(hidden))
  if (value !== undefined && decodeWorkspaceIdentity(hidden, value).deleted?.isPurging) await level.purge(hidden)
}

/** Copies what is kept under another name, hidden, reads it back and loads it. */
async function copyKept(
  level: LevelStore,
  { look, plan, hidden }: { look: WorkspaceLook; plan: RepairPlan; hidden: string },
  { note, load, signal }: RepairOptions,
): Promise<WorkspaceImport> {
  const { workspace, identity } = look
  const { firstLsn, head, headAt, snapshots, extent } = plan
  const noteLsn = (head + 1) as Lsn
  const snapshotLsn = snapshots.at(-1) ?? (0 as Lsn)
  const { generation, createdAt } = identity
  const archived = { workspace, generation, createdAt, firstLsn, head: noteLsn, snapshotLsn }
  const copy = await WorkspaceImport.begin(level, archived, hidden)
  try {
    let last: Rung | undefined
    for (const lsn of snapshots) {
      signal?.throwIfAborted()
      const rung = await readRung(look, lsn)
      const packed = await packAgainst(last, rung)
      await copy.take({ kind: 'snapshot', snapshot: packed })
      last = { ...rung, depth: packed.base?.depth ?? 0 }
    }
    if (firstLsn > 1) await copyKeys(copy, look, firstLsn)
    for await (const records of readStoredRuns({ ...look, extent }, firstLsn, head)) {
      signal?.throwIfAborted()
      await copy.take({ kind: 'records', records })
    }
    const at = Math.max(level.now(), headAt)
    await copy.take({ kind: 'records', records: [{ ...note, lsn: noteLsn, at }] })
    await copy.verify({ ...(load && { load: () => load(workspace) }), ...(signal && { signal }) })
    return copy
  } catch (error) {
    await copy.discard()
    throw error
  }
}

/** Keys of records that are kept come with these. Those of others must not be taken for new when they are repeated. */
async function copyKeys(copy: WorkspaceImport, { workspace, number, moment }: WorkspaceLook, firstLsn: Lsn) {
  const range = ownRange(KIND.idempotency, number)
  let keys: [string, Lsn][] = []
  for await (const [key, value] of moment.entries(range)) {
    const lsn = lsnOfEntry(workspace, key, value)
    if (lsn === undefined || lsn >= firstLsn) continue
    keys.push([Buffer.from(key.subarray(range.gte.byteLength)).toString(), lsn])
    if (keys.length < KEYS_PER_STEP) continue
    await copy.take({ kind: 'keys', keys })
    keys = []
  }
  await copy.take({ kind: 'keys', keys })
}

function lsnOfEntry(workspace: string, key: Uint8Array, value: Uint8Array): Lsn | undefined {
  try {
    return decodeKeyEntry(workspace, key, value)
  } catch (error) {
    if (!isDamage(error)) throw error
    return undefined
  }
}

function ifOfLog(error: unknown): void {
  if (!(error instanceof LogError)) throw error
}
