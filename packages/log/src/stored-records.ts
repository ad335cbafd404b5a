import type { DatabaseMoment } from './database.ts'
import type { LogRecord } from './event-store.ts'
import { lsnOfRecordKey, recordKeyRange } from './key.ts'
import { LogError } from './log-error.ts'
import type { Lsn } from './lsn.ts'
import { decodeRecord } from './record.ts'

/** One workspace's part of the database. */
export interface StoredLog {
  readonly workspace: string
  readonly number: number
  readonly moment: DatabaseMoment
}

/** Records `first` through `last`, checked. Throws `corrupted` at the first that is damaged or missing. */
export async function* readStoredRecords(log: StoredLog, first: number, last: number): AsyncGenerator<LogRecord> {
  const { workspace, number, moment } = log
  let expected = first
  for await (const [key, value] of moment.entries(recordKeyRange(number, first, last))) {
    if (lsnOfRecordKey(key) !== expected) break
    yield decodeRecord(workspace, key, value)
    expected++
  }
  if (expected > last) return
  const lsn = expected as Lsn
  throw new LogError('corrupted', `record ${lsn} of workspace ${workspace} is missing`, { workspace, lsn })
}
