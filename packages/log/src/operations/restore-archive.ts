import { mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { missingIsUndefined } from '../durable-file.ts'
import { LogError } from '../log-error.ts'
import { storageError } from '../storage-error.ts'
import { openLevelStore } from '../store/level-store.ts'
import { type Imported, type ImportOptions, importArchive } from './import-archive.ts'
import { isIntact, verifyDirectory } from './verify-directory.ts'

export interface RestoreOptions extends ImportOptions {
  /** Adds the caller's own files to the new directory, before the directory appears. */
  readonly complete?: (draft: string) => Promise<void>
}

/**
 * Makes a new data directory from an archive. It is made beside `directory`, verified, and moved there as the last
 * step: either all of it is there or nothing. Throws `invalid` if `directory` holds anything, `corrupted`, or the
 * storage error.
 */
export async function restoreArchive(
  directory: string,
  open: () => AsyncIterable<Uint8Array>,
  options: RestoreOptions = {},
): Promise<Imported> {
  await assertEmpty(directory)
  let draft: string | undefined
  try {
    await mkdir(dirname(directory), { recursive: true })
    draft = await mkdtemp(join(dirname(directory), `.${basename(directory)}-restoring-`))
    const store = await openLevelStore({ directory: draft, durability: 'sync' })
    let imported: Imported
    try {
      imported = await importArchive(store, open, options)
    } finally {
      await store.close()
    }
    const { load, signal } = options
    const report = await verifyDirectory(draft, { ...(load && { load }), ...(signal && { signal }) })
    if (!isIntact(report)) throw new LogError('corrupted', 'the restored directory can’t be read back: check the disk')
    await options.complete?.(draft)
    await rmdir(directory).catch(missingIsUndefined)
    await rename(draft, directory)
    return imported
  } catch (error) {
    if (draft !== undefined) await rm(draft, { recursive: true, force: true })
    if (options.signal?.aborted) throw error
    const { code, message } = storageError(error, directory)
    // Errors name the directory asked for, not the draft.
    throw new LogError(code, draft === undefined ? message : message.replaceAll(draft, directory), { cause: error })
  }
}

async function assertEmpty(directory: string): Promise<void> {
  const names = await readdir(directory).catch(missingIsUndefined)
  if (names === undefined || names.length === 0) return
  throw new LogError('invalid', `${directory} is not empty: restore into a new directory`)
}
