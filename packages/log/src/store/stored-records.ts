import type { DatabaseMoment, Entry } from '../disk/database.ts'
import type { LogRecord } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { decodeExtent, type Extent } from '../records/extent.ts'
import { extentKey, lsnOfRecordKey, recordKey, recordKeyRange, segmentKeyRange } from '../records/key.ts'
import { decodeRecord, decodeRecordTime } from '../records/record.ts'
import { decodeSegment, decodeSegmentHead, type SegmentHead } from '../records/segment.ts'

/**
 * Up to this many records each is looked up by itself on this thread, which costs less than waking another (130 µs
 * measured).
 */
const LOOK_UPS_MAX = 8

/** One workspace's part of the database, as of one moment. */
export interface StoredLog {
  readonly workspace: string
  readonly number: number
  readonly moment: DatabaseMoment
  /** Extent to read by; undefined for the one that is stored. */
  readonly extent?: Extent | undefined
}

/**
 * Reads records `first` through `last`, checked, sealed or not. Throws `corrupted` at the first that is damaged or
 * missing.
 */
export async function* readStoredRecords(log: StoredLog, first: number, last: number): AsyncGenerator<LogRecord> {
  for await (const run of readStoredRuns(log, first, last)) for (const record of run) yield record
}

/**
 * Reads like {@link readStoredRecords}, as many records at a time as come at once: handing on single records costs more
 * than decoding them.
 */
export async function* readStoredRuns(log: StoredLog, first: number, last: number): AsyncGenerator<LogRecord[]> {
  const { workspace } = log
  const { sealedLsn } = await extentOf(log)
  const lastSealed = Math.min(last, sealedLsn)
  let expected = first
  for await (const segment of readSegments(log, first, lastSealed)) {
    const skipped = expected - (segment[0]?.lsn ?? expected)
    if (skipped < 0) break
    const run = segment.slice(skipped, skipped + lastSealed - expected + 1)
    if (run.length > 0) yield run
    expected += run.length
  }
  if (expected <= lastSealed) throw missingRecord(workspace, expected)
  if (expected > last) return
  for await (const entries of entriesOf(log, expected, last)) {
    const { run, damage } = decodeRun(workspace, entries, expected)
    if (run.length > 0) yield run
    if (damage !== undefined) throw damage
    expected += run.length
  }
  if (expected <= last) throw missingRecord(workspace, expected)
}

/** The records from `expected` on, up to the first that is damaged or missing. */
function decodeRun(
  workspace: string,
  entries: readonly Entry[],
  expected: number,
): { run: LogRecord[]; damage?: unknown } {
  const run: LogRecord[] = []
  try {
    for (const [key, value] of entries) {
      if (lsnOfRecordKey(key) !== expected + run.length) throw missingRecord(workspace, expected + run.length)
      run.push(decodeRecord(workspace, key, value))
    }
    return { run }
  } catch (damage) {
    return { run, damage }
  }
}

async function* entriesOf({ number, moment }: StoredLog, first: number, last: number): AsyncGenerator<Entry[]> {
  if (last - first >= LOOK_UPS_MAX) {
    yield* moment.steps(recordKeyRange(number, first, last))
    return
  }
  const entries: Entry[] = []
  for (let lsn = first; lsn <= last; lsn++) {
    const key = recordKey(number, lsn as Lsn)
    const value = await moment.get(key)
    if (value === undefined) break
    entries.push([key, value])
  }
  yield entries
}

async function* readSegments(
  { workspace, number, moment }: StoredLog,
  first: number,
  last: number,
): AsyncGenerator<LogRecord[]> {
  if (first > last) return
  const begin = await moment.last(segmentKeyRange(number, 0, first))
  if (begin === undefined) return
  const records = decodeSegment(workspace, ...begin)
  yield records
  // Most reads lie within one segment: looking for the next would take longer than reading this one did.
  const next = (records.at(-1)?.lsn ?? last) + 1
  if (next > last) return
  for await (const [key, value] of moment.entries(segmentKeyRange(number, next, last))) {
    yield decodeSegment(workspace, key, value)
  }
}

async function extentOf({ workspace, number, moment, extent }: StoredLog): Promise<Extent> {
  return extent ?? decodeExtent(workspace, number, await moment.get(extentKey(number)))
}

function missingRecord(workspace: string, expected: number): LogError {
  const lsn = expected as Lsn
  return new LogError('corrupted', `record ${lsn} of workspace ${workspace} is missing`, { workspace, lsn })
}

/**
 * LSN of the last of the records `first` through `last` whose time is at or before `at`; undefined for none. Reads a
 * few dozen records.
 */
export async function findStoredTime(
  log: StoredLog,
  first: number,
  last: number,
  at: number,
): Promise<Lsn | undefined> {
  const { sealedLsn } = await extentOf(log)
  let [before, after] = [first - 1, last + 1]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    const span = middle <= sealedLsn ? await findSegment(log, middle) : await recordSpan(log, middle)
    if (span.lastAt <= at) before = span.last
    else if (span.firstAt > at) after = span.first
    else {
      const records = decodeSegment(log.workspace, span.key, span.value)
      return records.findLast((record) => record.at <= at)?.lsn
    }
  }
  return before < first ? undefined : (Math.min(before, last) as Lsn)
}

/** The segment that holds the record at `lsn`. Throws `corrupted` if there is none. */
async function findSegment({ workspace, number, moment }: StoredLog, lsn: number) {
  const entry = await moment.last(segmentKeyRange(number, 0, lsn))
  if (entry === undefined) throw missingRecord(workspace, lsn)
  const [key, value] = entry
  const head = decodeSegmentHead(workspace, key, value)
  if (head.last < lsn) throw missingRecord(workspace, lsn)
  return { ...head, key, value }
}

async function recordSpan({ workspace, number, moment }: StoredLog, lsn: number) {
  const key = recordKey(number, lsn as Lsn)
  const value = await moment.get(key)
  if (value === undefined) throw missingRecord(workspace, lsn)
  const at = decodeRecordTime(workspace, key, value)
  const head: SegmentHead = { first: lsn as Lsn, last: lsn as Lsn, firstAt: at, lastAt: at }
  return { ...head, key, value }
}
