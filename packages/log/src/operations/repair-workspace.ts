import { join } from 'node:path'
import type { EventStore, LogEntry } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { workspaceKey } from '../records/key.ts'
import { decodeWorkspaceIdentity, encodeWorkspaceIdentity } from '../records/workspace-identity.ts'
import { type LevelStore, levelStoreOf } from '../store/level-store.ts'
import { writeThrough } from '../store/write-through.ts'
import { whileStorageWorks } from '../while-storage-works.ts'
import { type Kept, planKept } from './kept-items.ts'
import { keepRemains, type Remains } from './remains.ts'
import { type RepairSurvey, type SurveyOptions, survey } from './repair-survey.ts'
import { trialOf } from './trial-load.ts'
import { verifyFiles } from './verify-files.ts'
import { WorkspaceImport } from './workspace-import.ts'

/** Folder of the data directory for files of remains. */
const REMAINS_DIRECTORY = 'repaired'
const TABLE = /\.(ldb|sst)$/

export interface RepairOptions extends SurveyOptions {
  /** The data directory. The entries as they were before are kept in a file under its `repaired`. */
  readonly directory: string
  /** The record that is written behind the kept ones, and says what happened. */
  readonly note: LogEntry
}

/** Result of a repair. */
export interface Repaired extends RepairSurvey {
  /** The file with all entries as they were. */
  readonly remains: Remains
  /**
   * The generation. It is a new one if records behind the kept ones were dropped: clients that have those records must
   * not take others for them.
   */
  readonly newGeneration: string
  /** LSN of the note. */
  readonly head: Lsn
}

/**
 * Makes the last good state of a damaged workspace its end, so that it can be written to again. The kept part is
 * copied, hidden, and verified. Every entry that was there is written to a file and read back. Then the copy takes the
 * place of the workspace in one write. Cut short before that, the workspace is as it was, and a hidden copy stays for
 * `purge`. Throws `invalid` if nothing is damaged, `locked` while the workspace is open, `deleted`, `corrupted` where
 * no good state can be told or a table is damaged, or the storage error.
 */
export function repairWorkspace(store: EventStore, workspace: string, options: RepairOptions): Promise<Repaired> {
  return whileStorageWorks(store, options.signal, async (signal) => {
    const level = levelStoreOf(store)
    const { hidden, repaired } = await level.alone(workspace, () => repair(level, workspace, { ...options, signal }))
    // The repair is done. If the old entries can't be removed now, they stay hidden.
    await store.purge(hidden).catch(ifOfLog)
    return repaired
  })
}

async function repair(level: LevelStore, workspace: string, options: RepairOptions) {
  const moment = level.disk.pin()
  try {
    const { look, plan, told } = await survey(moment, workspace, options)
    if (plan === undefined) {
      throw new LogError('invalid', `nothing of workspace ${workspace} is damaged: it needs no repair`, { workspace })
    }
    await assertTablesIntact(options.directory, workspace, options.signal)
    const hidden = `joinery repair of workspace number ${look.number}`
    await clearLeftover(level, hidden)
    const kept = await planKept(look, plan, { note: options.note, now: level.now() })
    const copy = await copyKept(level, kept, { ...options, hidden })
    try {
      const { number, identity } = look
      const { generation, createdAt } = identity
      const at = level.now()
      const reason = told.problems[0]?.message ?? ''
      const head = { storeId: level.disk.storeId, workspace, number, generation, at, reason }
      const remains = await keepRemains(join(options.directory, REMAINS_DIRECTORY), moment, head)
      options.signal?.throwIfAborted()
      const newGeneration = kept.archived.generation
      const writes = [
        ...encodeWorkspaceIdentity(workspace, { ...copy.identity, generation: newGeneration }),
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

/** Removes the hidden copy of an unfinished repair. */
async function clearLeftover(level: LevelStore, hidden: string): Promise<void> {
  const value = await level.disk.get(workspaceKey(hidden))
  if (value !== undefined && decodeWorkspaceIdentity(hidden, value).deleted?.isPurging) await level.purge(hidden)
}

/** Copies the kept part under another name, hidden, reads it back and loads it. */
async function copyKept(
  level: LevelStore,
  { archived, items }: Kept,
  { hidden, signal, ...trials }: SurveyOptions & { hidden: string },
): Promise<WorkspaceImport> {
  const copy = await WorkspaceImport.begin(level, archived, hidden, archived.generation)
  try {
    for await (const item of items()) await copy.take(item)
    const trial = trialOf(trials, archived.workspace)
    await copy.verify({ ...(trial && { load: trial }), ...(signal && { signal }) })
    return copy
  } catch (error) {
    await copy.discard()
    throw error
  }
}

/**
 * Throws `corrupted` if a table is damaged: LevelDB would merge it with what is written and deleted here, and may stop
 * all writing, or abort the process, on such damage.
 */
async function assertTablesIntact(
  directory: string,
  workspace: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { problems } = await verifyFiles(directory, { ...(signal && { signal }) })
  const [damage] = problems.filter(({ file = '' }) => TABLE.test(file))
  if (damage === undefined) return
  const way = `export what is intact of workspace ${workspace}, and import it into another directory`
  throw new LogError('corrupted', `nothing can be repaired in ${directory}: ${damage.message}; ${way}`, { workspace })
}

function ifOfLog(error: unknown): void {
  if (!(error instanceof LogError)) throw error
}
