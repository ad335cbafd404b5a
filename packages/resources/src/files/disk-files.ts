import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FileError } from './file-error.ts'

/** Codes of the system for a disk without space, or a person's share of it. */
const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** Syncs a folder, so that the names in it outlive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * Writes a file as a whole: into a temporary one, which is fsynced, renamed and fsynced in its folder. A reader sees nothing of it,
 * or all of it. Rejects with `store_full`, and with what `chunks` throws; nothing is left behind then.
 */
export async function writeWhole(path: string, temporary: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      for await (const chunk of chunks) await writeAll(file, chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true })
    throw asFileError(error)
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten
}

/** An error of the disk, in the words of files. */
export function asFileError(error: unknown): unknown {
  const code = codeOf(error)
  if (FULL.has(code)) {
    const message = 'the disk of the files has no space left: free some, and the upload goes on'
    return new FileError('store_full', message, { cause: error, retryAfterMs: 10_000 })
  }
  return error
}

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
