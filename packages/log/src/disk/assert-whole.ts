import { join } from 'node:path'
import { missingIsUndefined } from '../durable-file.ts'
import { findLostLog } from '../leveldb/lost-log.ts'
import { isDamaged, readLiveFiles } from '../leveldb/manifest.ts'
import { LogError } from '../log-error.ts'

/**
 * Throws `corrupted` at damage that LevelDB would open silently: it takes a missing write-ahead log for an empty one,
 * and skips zeros in its manifest. Reads only. Throws Node's error on a file that can't be read.
 */
export async function assertWhole(directory: string): Promise<void> {
  const live = await readLiveFiles(directory).catch(missingIsUndefined)
  const [damage] = live?.damages ?? []
  if (live !== undefined && damage !== undefined && isDamaged(live)) {
    const where = `${join(directory, live.manifest)} at byte ${damage.offset}`
    throw new LogError('corrupted', `${where}: ${damage.reason}; restore it from a copy`)
  }
  const lost = await findLostLog(directory)
  if (lost === undefined) return
  const message = `${join(directory, lost.file)} has lost the last writes: ${lost.reason}; restore it from a copy`
  throw new LogError('corrupted', message)
}
