import { mkdir, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isMissing, isThere, syncDirectory, writeDurably } from '../durable-file.ts'
import { LogError } from '../log-error.ts'
import { storageError } from '../storage-error.ts'

/**
 * A file of our own beside LevelDB's. It is written before the database, so that a lost database can be told from one
 * that never existed, and an unfinished start from another program's directory.
 */
const MARKER = 'JOINERY'
const CREATING = 'creating\n'
const MADE = /^joinery log 1 (\S+)\n$/
/** Names that a fresh volume or an unfinished start may hold. */
const IGNORED = new Set(['lost+found', 'JOINERY.draft', 'CLOSED.draft'])
const OURS = /^(\d+\.(log|ldb|sst)|MANIFEST-\d+|CLOSED)$/

/** State of a directory that may be used. `storeId` is undefined if the marker is lost. */
export type DataDirectory = { state: 'new' } | { state: 'existing'; storeId: string | undefined }

/** Looks at the directory and changes nothing. Throws `corrupted`, `foreign_directory` or `unreadable`. */
export async function inspectDirectory(directory: string): Promise<DataDirectory> {
  const files = new Set((await list(directory)).filter((name) => !IGNORED.has(name)))
  if (files.size === 0) return { state: 'new' }
  const marker = files.has(MARKER) ? await readMarker(directory) : undefined
  if (marker === CREATING) return { state: 'new' }
  if (files.has('CURRENT')) return { state: 'existing', storeId: marker?.match(MADE)?.[1] }
  if (marker !== undefined || [...files].some((name) => OURS.test(name))) {
    throw new LogError('corrupted', `${directory} has lost LevelDB's CURRENT: restore the directory from a copy`)
  }
  throw new LogError('foreign_directory', `${directory} holds another program's files: choose an empty directory`)
}

/** Makes the directory, and writes down that a database is about to be made in it. */
export async function beginCreation(directory: string): Promise<void> {
  await guarded(directory, async () => {
    await makeDirectory(resolve(directory))
    await writeDurably(directory, MARKER, CREATING)
  })
}

/** Removes the files of a database that was begun and never completed. */
export async function clearUnfinished(directory: string): Promise<void> {
  await guarded(directory, async () => {
    const names = (await readdir(directory)).filter((name) => name === 'CURRENT' || OURS.test(name))
    for (const name of names) await unlink(join(directory, name))
  })
}

/** Writes down that the database with this id is complete: if it is missing later, that is damage. */
export async function finishCreation(directory: string, storeId: string): Promise<void> {
  await guarded(directory, () => writeDurably(directory, MARKER, `joinery log 1 ${storeId}\n`))
}

/**
 * Id of this copy of the data. The marker's file tells a directory that was copied from its original, by its number and the
 * time of its making; the store's id tells one that was restored from an archive. A directory that is only moved keeps both.
 */
export async function copyIdOf(directory: string, storeId: string): Promise<string> {
  const { ino, birthtimeNs } = await guarded(directory, () => stat(join(directory, MARKER), { bigint: true }))
  return `${storeId}.${ino}.${birthtimeNs}`
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isMissing(error)) return []
    throw new LogError('unreadable', `${directory} can't be read as a directory: ${String(error)}`, { cause: error })
  }
}

function readMarker(directory: string): Promise<string> {
  return guarded(directory, () => readFile(join(directory, MARKER), 'utf8'))
}

/** Not Node's `recursive`: it never ends on a file system where nothing can be made, such as /proc. */
async function makeDirectory(path: string, hasParent = false): Promise<void> {
  try {
    // Everything that people write is in there: for the server's own user alone.
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (isThere(error)) return
    if (hasParent || !isMissing(error) || dirname(path) === path) throw error
    await makeDirectory(dirname(path))
    return makeDirectory(path, true)
  }
  // The name of a new directory is safe once the directory that contains it is fsynced.
  await syncDirectory(dirname(path))
}

async function guarded<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storageError(error, directory)
  }
}
