import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from '../durable-file.ts'

/**
 * File of the probe. LevelDB and backups ignore it. An unfinished probe leaves it behind, and the next one removes it.
 */
const PROBE = 'JOINERY.probe'
/** Fewest bytes that LevelDB writes when it opens: its list of tables, and a new write-ahead log. */
const OPENING_BYTES = 64 * 1024
const STEP_BYTES = 1024 * 1024

/**
 * Writes, fsyncs and removes about as many bytes as opening the database is going to write: a table of the write-ahead
 * logs, which takes half their bytes or fewer if updates are text. Throws the error that this meets. Does nothing if
 * the directory is gone: opening reports that better.
 */
export async function probeRoom(directory: string): Promise<void> {
  const path = join(directory, PROBE)
  try {
    const file = await open(path, 'w')
    try {
      for (let left = OPENING_BYTES + (await logBytes(directory)) / 2; left > 0; left -= STEP_BYTES) {
        await file.write(Buffer.alloc(Math.min(STEP_BYTES, Math.ceil(left)), 1))
      }
      await file.datasync()
    } finally {
      await file.close()
      await rm(path, { force: true })
    }
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

async function logBytes(directory: string): Promise<number> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.log'))
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
