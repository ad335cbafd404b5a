import { inspectDirectory } from '../disk/data-directory.ts'
import type { EventStore } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { openForReading } from './open-for-reading.ts'
import { type Problem, reasonOf } from './problem.ts'
import { verifyFiles } from './verify-files.ts'
import { type StoreReport, type VerifyOptions, verifyStore } from './verify-store.ts'

/** A data directory as a verification found it. */
export interface DirectoryReport {
  /** Number and bytes of the database's files that were read in full. */
  readonly files: number
  readonly bytes: number
  /** Problems of files, or of the database as a whole. */
  readonly problems: readonly Problem[]
  /** Report on the content of the database; undefined if it can't be opened, or if reading it might end the process. */
  readonly store: StoreReport | undefined
}

/** Files whose damage may make LevelDB end the process. */
const ABORTS_ON = /\.(ldb|sst)$|^MANIFEST|^CURRENT$/

/** Whether there is no problem at all. */
export function isIntact({ problems, store }: DirectoryReport): boolean {
  if (problems.length > 0 || store === undefined) return false
  const logs = [...store.workspaces, ...store.systemLogs]
  return store.problems.length === 0 && logs.every(({ problemCount }) => problemCount === 0)
}

/**
 * Checks a directory that no process has open: first each byte of the files, then their content. Writes nothing into
 * it. Throws `locked`, `foreign_directory`, or `unreadable` (also when there is no log); reports any damage.
 */
export async function verifyDirectory(directory: string, options: VerifyOptions = {}): Promise<DirectoryReport> {
  return verifyWith(directory, options, async () => {
    const reading = await openForReading(directory)
    try {
      return await verifyStore(reading.store, options)
    } finally {
      await reading.close()
    }
  })
}

/** {@link verifyDirectory} for a directory that this process has open as `store`, which goes on serving. */
export async function verifyOpenDirectory(
  directory: string,
  store: EventStore,
  options: VerifyOptions = {},
): Promise<DirectoryReport> {
  return verifyWith(directory, options, () => verifyStore(store, options))
}

async function verifyWith(
  directory: string,
  { signal, dares = false }: VerifyOptions,
  look: () => Promise<StoreReport>,
): Promise<DirectoryReport> {
  const problems: Problem[] = []
  try {
    const found = await inspectDirectory(directory)
    if (found.state === 'new') throw new LogError('unreadable', `${directory} holds no log`)
    if (found.storeId === undefined) {
      problems.push({ code: 'marker_missing', message: 'the file JOINERY is missing or damaged', file: 'JOINERY' })
    }
  } catch (error) {
    return unopenable({ files: 0, bytes: 0, problems }, error)
  }
  const looked = await verifyFiles(directory, signal === undefined ? {} : { signal })
  const files = { ...looked, problems: [...problems, ...looked.problems] }
  if (!dares && looked.problems.some(mayAbort)) {
    const message = 'the content of the database was not read: LevelDB may end the process on such damage'
    return { ...files, problems: [...files.problems, { code: 'not_looked_at', message }], store: undefined }
  }
  try {
    return { ...files, store: await look() }
  } catch (error) {
    return unopenable(files, error)
  }
}

function mayAbort({ code, file = '' }: Problem): boolean {
  return code !== 'manifest_torn' && ABORTS_ON.test(file)
}

/** Damage is reported; an error that keeps the directory closed is thrown. */
function unopenable(
  files: { files: number; bytes: number; problems: readonly Problem[] },
  error: unknown,
): DirectoryReport {
  if (!(error instanceof LogError) || error.code !== 'corrupted') throw error
  return {
    ...files,
    problems: [...files.problems, { code: 'store_unreadable', message: reasonOf(error) }],
    store: undefined,
  }
}
