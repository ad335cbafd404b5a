import type { DatabaseMoment } from './database.ts'
import type { LogRecord } from './event-store.ts'
import { lsnOfRecordKey, recordKey, recordKeyRange } from './key.ts'
import { LogError } from './log-error.ts'
import type { Lsn } from './lsn.ts'
import { decodeRecord, decodeRecordTime } from './record.ts'

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
  throw missingRecord(workspace, expected)
}

function missingRecord(workspace: string, expected: number): LogError {
  const lsn = expected as Lsn
  return new LogError('corrupted', `record ${lsn} of workspace ${workspace} is missing`, { workspace, lsn })
}

/** The last of the records `first` through `last` whose time is at or before `at`; undefined for none. Reads a few dozen. */
export async function findStoredTime(
  { workspace, number, moment }: StoredLog,
  first: number,
  last: number,
  at: number,
): Promise<Lsn | undefined> {
  let [before, after] = [first - 1, last + 1]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    const key = recordKey(number, middle as Lsn)
    const value = await moment.get(key)
    if (value === undefined) throw missingRecord(workspace, middle)
    if (decodeRecordTime(workspace, key, value) <= at) before = middle
    else after = middle
  }
  return before < first ? undefined : (before as Lsn)
}
