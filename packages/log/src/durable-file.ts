import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Replaces a file of the directory. A crash leaves the old file or the new one, whole. Resolves when the new one is on
 * the disk.
 */
export async function writeDurably(directory: string, name: string, content: string | Uint8Array): Promise<void> {
  const draft = join(directory, `${name}.draft`)
  const file = await open(draft, 'w')
  try {
    await file.writeFile(content)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(draft, join(directory, name))
  await syncDirectory(directory)
}

export async function syncDirectory(directory: string): Promise<void> {
  // Windows can't open a directory, and needs no fsync of one.
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT')
}

/** Whether a file or directory could not be made, since there is one of that name. */
export function isThere(error: unknown): boolean {
  return hasCode(error, 'EEXIST')
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/**
 * Gives undefined for a file that does not exist: `readFile(path).catch(missingIsUndefined)`. Throws any other error.
 */
export function missingIsUndefined(error: unknown): undefined {
  if (!isMissing(error)) throw error
}
