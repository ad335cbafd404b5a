import type { EventStore } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { type LevelStore, levelStoreOf } from '../store/level-store.ts'
import { writeThrough } from '../store/write-through.ts'
import { apart, isSystemLog, kindOfSystemLog, systemLogOf, workspaceOfSystemLog } from '../system-log.ts'
import { whileStorageWorks } from '../while-storage-works.ts'
import type { ArchivedDamage } from './archive-content.ts'
import { readArchive } from './read-archive.ts'
import type { TrialLoad } from './trial-load.ts'
import { WorkspaceImport } from './workspace-import.ts'

export interface ImportOptions {
  /**
   * Names of the workspaces to import, as in the archive, with their system logs. Default: all, and the system logs of the
   * whole store.
   */
  readonly workspaces?: readonly string[]
  /**
   * Gives a workspace a new name, and its system logs theirs. The import is a copy then, with a generation of its own, and
   * without the system logs of the whole store.
   */
  readonly rename?: (workspace: string) => string
  /** Loads each workspace before it becomes visible. */
  readonly load?: (workspace: string) => TrialLoad
  /** Called now and then with the number of records done and of all. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

interface ImportedLog {
  readonly workspace: string
  readonly head: Lsn
  readonly records: number
}

/** Result of an import. */
export interface Imported {
  readonly workspaces: readonly ImportedLog[]
  readonly systemLogs: readonly ImportedLog[]
  /** System logs that were there already, and stay as they are: nothing of these in the archive is imported. */
  readonly leftOut: readonly string[]
  /** Workspaces that were damaged when the archive was made: nothing of them is imported. */
  readonly damaged: readonly ArchivedDamage[]
}

/** Most names in an error message: more would not help. */
const NAMES_LISTED_MAX = 10

/**
 * Imports workspaces from an archive into a store, which may be serving. `open` gives the archive from its beginning
 * and is called twice: the whole archive is checked before anything is written. The import stays hidden, as workspaces
 * whose purge has begun, until it was read back and loaded. Then all of it becomes visible at once. Cut short, it
 * leaves only such hidden workspaces, for `purge`. Throws the storage error as soon as storage fails, `corrupted` with
 * the byte of the archive, and `invalid` for a workspace that exists already, deleted or not, or that the archive does
 * not have.
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
  assertNames(survey.wanted, options)
  const imports: WorkspaceImport[] = []
  const leftOut: string[] = []
  try {
    let current: WorkspaceImport | undefined
    let done = 0
    for await (const item of readArchive(open())) {
      options.signal?.throwIfAborted()
      if (item.kind === 'workspace' && survey.wanted.has(item.workspace.workspace)) {
        const name = newNameOf(item.workspace.workspace, options)
        current = await WorkspaceImport.begin(level, item.workspace, name).catch(ifThere(name))
        if (current === undefined) leftOut.push(name)
        else imports.push(current)
      } else if (item.kind === 'workspaceEnd' && current !== undefined) {
        await current.verify(options)
        current = undefined
      } else await current?.take(item)
      if (item.kind !== 'records' || current === undefined) continue
      done += item.records.length
      options.onProgress?.(done, survey.records)
    }
    await writeThrough(
      level,
      imports.flatMap((each) => each.revealed()),
      { sync: true },
    )
  } catch (error) {
    for (const each of imports) await each.discard()
    throw error
  }
  const [workspaces, systemLogs] = apart(imports.map((each) => each.outcome))
  return { workspaces, systemLogs, leftOut, damaged: survey.damaged }
}

/** A system log that is there already is no reason to import nothing. Its records may be newer, and must not be lost. */
function ifThere(name: string): (error: unknown) => undefined {
  return (error) => {
    if (!isSystemLog(name) || !(error instanceof LogError) || error.code !== 'invalid') throw error
  }
}

/** The name under which a log of the archive is imported. */
function newNameOf(name: string, { rename }: ImportOptions): string {
  if (rename === undefined) return name
  if (!isSystemLog(name)) return rename(name)
  const owner = workspaceOfSystemLog(name)
  return owner === undefined ? name : systemLogOf(kindOfSystemLog(name), rename(owner))
}

/** Throws `invalid` unless every wanted workspace gets a name of its own that a workspace may have. */
function assertNames(wanted: ReadonlySet<string>, options: ImportOptions): void {
  const workspaces = [...wanted].filter((name) => !isSystemLog(name))
  const names = new Set(workspaces.map((name) => newNameOf(name, options)))
  const reserved = [...names].find((name) => isSystemLog(name))
  if (reserved !== undefined) {
    const message = `a workspace can't be imported as ${reserved}, which is the name of a system log: choose another name`
    throw new LogError('invalid', message, { workspace: reserved })
  }
  if (names.size === workspaces.length) return
  const held = workspaces.sort().slice(0, NAMES_LISTED_MAX).join(', ')
  throw new LogError('invalid', `the archive has ${workspaces.length} workspaces for one name: say which (${held})`)
}

/** Whether a log of the archive is to be imported. */
function isWanted(name: string, { workspaces, rename }: ImportOptions): boolean {
  const owner = workspaceOfSystemLog(name)
  if (isSystemLog(name) && owner === undefined && rename !== undefined) return false
  return workspaces === undefined || workspaces.includes(name) || (owner !== undefined && workspaces.includes(owner))
}

/** Finds the workspaces to import; reads the whole archive. */
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
      if (isWanted(last, options)) wanted.add(last)
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
