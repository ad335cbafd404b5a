import type { Database, KeyRange } from '../disk/database.ts'
import type { Group } from '../disk/group.ts'
import { SYNC_MARK_KEY } from '../records/key.ts'

export interface TidyHost {
  /** The group that takes writes now. */
  group(): Group
  assertOpen(): void
  readonly disk: Database
}

/**
 * Rewrites the files of a range without its deleted and replaced entries. Takes long. LevelDB leaves its write-ahead
 * log for this, so everything in the log is fsynced before. Throws `closed` or the storage error.
 */
export async function tidy(host: TidyHost, range: KeyRange): Promise<void> {
  for (;;) {
    const { disk } = host
    const end = disk.logEnd.beNear()
    try {
      await fsync(host)
      // Storage may have failed and recovered meanwhile: the new handle has not been told that the log may be left.
      if (host.disk === disk) return await disk.tidy(range)
    } finally {
      end()
    }
  }
}

function fsync(host: TidyHost): Promise<void> {
  host.assertOpen()
  return host.group().add([{ type: 'put', key: SYNC_MARK_KEY, value: new Uint8Array(0) }], { sync: true })
}
