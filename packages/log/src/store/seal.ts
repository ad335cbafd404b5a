import type { LogRecord, Sealed } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { recordKey, recordKeyRange } from '../records/key.ts'
import { decodeRecord } from '../records/record.ts'
import { decodeSegment, encodeSegment, SEGMENT_BYTES, SEGMENT_RECORDS_MAX } from '../records/segment.ts'
import type { Del } from '../records/write.ts'
import { giveBack } from './give-back.ts'
import type { Desk } from './history-keeper.ts'
import { PackedChain } from './keep-chain.ts'

/** Fewest records of a segment. Fewer records share too little, and wait for more. */
const SEGMENT_RECORDS_MIN = 64

interface Batch {
  readonly records: LogRecord[]
  readonly removals: Del[]
  bytes: number
  storedBytes: number
}

const newBatch = (): Batch => ({ records: [], removals: [], bytes: 0, storedBytes: 0 })

/**
 * Packs records through `through`, which is below the head, into segments. One batch each writes the segment and
 * deletes its records.
 */
export async function sealRecords(desk: Desk, through: Lsn): Promise<Sealed> {
  const { workspace, number, host } = desk
  const moment = host.disk.pin()
  let sealed: Sealed = { records: 0, bytesBefore: 0, bytesAfter: 0 }
  let chain: PackedChain | undefined
  const take = async (batch: Batch): Promise<void> => {
    chain ??= await PackedChain.open(desk)
    const bytesAfter = await writeSegment(desk, batch, chain)
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
      // A large update gets a segment of its own.
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
  await giveBack(host, recordKeyRange(number, 0, desk.extent.sealedLsn))
  return sealed
}

/**
 * Writes a segment and returns its bytes. Throws `corrupted`, and writes nothing, if the segment would not read as the
 * records do.
 */
async function writeSegment(desk: Desk, { records, removals }: Batch, chain: PackedChain): Promise<number> {
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
  if (!areSame(decodeSegment(workspace, segment.key, segment.value), records)) {
    throw new LogError('corrupted', `a segment of workspace ${workspace} does not read as it was packed`, { workspace })
  }
  await desk.moveExtent({ sealedLsn: (extent.sealedLsn + records.length) as Lsn }, [
    { type: 'put', ...segment },
    ...removals,
    ...chain.take(records),
  ])
  return segment.key.byteLength + segment.value.byteLength
}

/**
 * Whether two records are equal in every field. The type demands each field, since a field that is not compared could
 * be lost here.
 */
const IS_SAME: { readonly [F in keyof Required<LogRecord>]: (a: LogRecord, b: LogRecord) => boolean } = {
  lsn: (a, b) => a.lsn === b.lsn,
  at: (a, b) => a.at === b.at,
  update: (a, b) => Buffer.compare(a.update, b.update) === 0,
  actor: (a, b) => a.actor === b.actor,
  source: (a, b) => a.source === b.source,
  connection: (a, b) => a.connection === b.connection,
  touched: (a, b) => a.touched.length === b.touched.length && a.touched.every((path, n) => path === b.touched[n]),
  idempotencyKey: (a, b) => a.idempotencyKey === b.idempotencyKey,
}
const COMPARISONS = Object.values(IS_SAME)

// `isDeepStrictEqual` blocks the event loop a dozen times as long: 12 ms for a thousand records (measured).
function areSame(some: readonly LogRecord[], others: readonly LogRecord[]): boolean {
  const isSame = (record: LogRecord, n: number): boolean => {
    const other = others[n]
    return other !== undefined && COMPARISONS.every((compare) => compare(record, other))
  }
  return some.length === others.length && some.every(isSame)
}
