import { isDeepStrictEqual } from 'node:util'
import type { LogRecord, Sealed } from './event-store.ts'
import { recordKey, recordKeyRange } from './key.ts'
import { LogError } from './log-error.ts'
import type { Lsn } from './lsn.ts'
import { decodeRecord } from './record.ts'
import { decodeSegment, encodeSegment, SEGMENT_BYTES, SEGMENT_RECORDS_MAX } from './segment.ts'
import type { Desk } from './upkeep.ts'
import type { Del } from './write.ts'

/** Fewer than these share too little to be worth a segment: they wait for more. */
const SEGMENT_RECORDS_MIN = 64
/** Bytes of sealed records in LevelDB's tables from which on it pays to rewrite those at once: for less it does so by and by. */
const TIDY_FROM_BYTES = 1024 * 1024

interface Batch {
  readonly records: LogRecord[]
  readonly removals: Del[]
  bytes: number
  storedBytes: number
}

const newBatch = (): Batch => ({ records: [], removals: [], bytes: 0, storedBytes: 0 })

/** Packs records through `through`, which is before the head, into segments; each takes the place of its records in one batch. */
export async function sealRecords(desk: Desk, through: Lsn): Promise<Sealed> {
  const { workspace, number, host } = desk
  const moment = host.disk.pin()
  let sealed: Sealed = { records: 0, bytesBefore: 0, bytesAfter: 0 }
  const take = async (batch: Batch): Promise<void> => {
    const bytesAfter = await writeSegment(desk, batch)
    sealed = {
      records: sealed.records + batch.records.length,
      bytesBefore: sealed.bytesBefore + batch.storedBytes,
      bytesAfter: sealed.bytesAfter + bytesAfter,
    }
    host.observer.sealed?.(batch.records.length, batch.storedBytes, bytesAfter)
  }
  try {
    let batch = newBatch()
    for await (const [key, value] of moment.entries(recordKeyRange(number, desk.extent.sealedLsn + 1, through))) {
      const record = decodeRecord(workspace, key, value)
      // A large update has a segment to itself.
      if (batch.records.length > 0 && batch.bytes + record.update.byteLength > SEGMENT_BYTES) {
        await take(batch)
        batch = newBatch()
      }
      batch.records.push(record)
      batch.removals.push({ type: 'del', key: recordKey(number, record.lsn) })
      batch.bytes += record.update.byteLength
      batch.storedBytes += key.byteLength + value.byteLength
      if (batch.records.length < SEGMENT_RECORDS_MAX) continue
      await take(batch)
      batch = newBatch()
    }
    if (batch.records.length >= SEGMENT_RECORDS_MIN) await take(batch)
  } finally {
    await moment.close()
  }
  await giveBack(desk)
  return sealed
}

/** Deleted is not gone: LevelDB keeps what sealed records took until it next rewrites the tables they are in. */
async function giveBack({ number, extent, host }: Desk): Promise<void> {
  const range = recordKeyRange(number, 0, extent.sealedLsn)
  if ((await host.disk.approximateBytes(range)) >= TIDY_FROM_BYTES) {
    await host.disk.tidy(range)
  }
}

/** Gives the bytes of the segment. Throws `corrupted`, and writes nothing, if it would not read as the records do. */
async function writeSegment(desk: Desk, { records, removals }: Batch): Promise<number> {
  const { workspace, number, extent } = desk
  for (const [n, { lsn }] of records.entries()) {
    const expected = (extent.sealedLsn + 1 + n) as Lsn
    if (lsn === expected) continue
    throw new LogError('corrupted', `record ${expected} of workspace ${workspace} is missing`, {
      workspace,
      lsn: expected,
    })
  }
  const segment = await encodeSegment(number, records)
  const read = decodeSegment(workspace, segment.key, segment.value)
  if (!isDeepStrictEqual(read.map(comparable), records.map(comparable))) {
    throw new LogError('corrupted', `a segment of workspace ${workspace} does not read as it was packed`, { workspace })
  }
  await desk.moveExtent({ sealedLsn: (extent.sealedLsn + records.length) as Lsn }, [
    { type: 'put', ...segment },
    ...removals,
  ])
  return segment.key.byteLength + segment.value.byteLength
}

/** Whatever kind of bytes the update is. */
function comparable(record: LogRecord): LogRecord {
  return { ...record, update: Buffer.from(record.update) }
}
