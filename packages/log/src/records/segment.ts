import { promisify } from 'node:util'
import { constants, crc32, zstdCompress, zstdDecompressSync } from 'node:zlib'
import type { LogRecord } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { ByteWriter } from './byte-writer.ts'
import { ByteReader } from './bytes.ts'
import { lsnOfRecordKey, segmentKey } from './key.ts'
import { UPDATE_BYTES_MAX } from './record.ts'
import { unpackOptions } from './zstd.ts'

/** First byte. A reader rejects any other. */
const FORMAT = 0x10
const CRC_BYTES = 4
/**
 * Bytes of the header: format (u8), last LSN (u48), times of the first and last record (u48 each), bytes when unpacked
 * (u32).
 */
const HEAD_BYTES = 1 + 6 + 6 + 6 + 4
/**
 * Most bytes of updates in one segment. It is enough for zstd to find what the updates share, and few enough to unpack
 * in about a millisecond. A larger update gets a segment of its own.
 */
export const SEGMENT_BYTES = 512 * 1024
/**
 * Most records in one segment. Four times as many share next to nothing more (3.4 instead of 3.5 bytes an edit,
 * measured).
 */
export const SEGMENT_RECORDS_MAX = 1_024
/** Largest columns of a segment: it limits what a decompression may allocate. */
const UNPACKED_BYTES_MAX = UPDATE_BYTES_MAX + 64 * 1024 * 1024
/**
 * zstd level. Segments are written once, kept for good, and packed off the main thread: level 9 saves a tenth beside
 * the default 3, and 15 saves no more (measured).
 */
const ZSTD_LEVEL = 9

const compress = promisify(zstdCompress)

/** The header of a segment, read without unpacking it. */
export interface SegmentHead {
  readonly first: Lsn
  readonly last: Lsn
  /** Time of the first record and of the last one, ms since epoch. */
  readonly firstAt: number
  readonly lastAt: number
}

/** Encodes records of one workspace, gap-free, as one value: SPEC.md has the layout. Compresses off the main thread. */
export async function encodeSegment(
  number: number,
  records: readonly LogRecord[],
): Promise<{ key: Uint8Array; value: Uint8Array }> {
  const first = records[0]
  const last = records.at(-1)
  if (first === undefined || last === undefined) throw new RangeError('a segment holds at least one record')
  const columns = encodeColumns(records)
  // Without the size, zstd makes and clears tables for megabytes, which takes longer than packing does.
  const packed = await compress(columns, {
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
    pledgedSrcSize: columns.byteLength,
  })
  const key = segmentKey(number, first.lsn)
  const value = Buffer.allocUnsafe(HEAD_BYTES + packed.byteLength + CRC_BYTES)
  value[0] = FORMAT
  value.writeUIntBE(last.lsn, 1, 6)
  value.writeUIntBE(first.at, 7, 6)
  value.writeUIntBE(last.at, 13, 6)
  value.writeUInt32BE(columns.byteLength, 19)
  value.set(packed, HEAD_BYTES)
  const end = value.byteLength - CRC_BYTES
  value.writeUInt32BE(crc32(value.subarray(0, end), crc32(key)), end)
  return { key, value }
}

/** Decodes the header of a segment. Throws `corrupted`, naming workspace and LSN. */
export function decodeSegmentHead(workspace: string, key: Uint8Array, value: Uint8Array): SegmentHead {
  return orCorrupted(workspace, key, () => readHead(key, checked(key, value)))
}

/** The records of a segment in order. Their updates share memory. Throws `corrupted`, naming workspace and LSN. */
export function decodeSegment(workspace: string, key: Uint8Array, value: Uint8Array): LogRecord[] {
  return orCorrupted(workspace, key, () => {
    const reader = checked(key, value)
    const head = readHead(key, reader)
    const length = reader.u32()
    if (length > UNPACKED_BYTES_MAX) throw new RangeError(`it claims ${length} bytes`)
    const columns = zstdDecompressSync(reader.rest(), unpackOptions(length))
    if (columns.byteLength !== length) throw new RangeError(`it has ${columns.byteLength} of ${length} bytes`)
    return decodeColumns(new ByteReader(columns, 0, length), head)
  })
}

function orCorrupted<T>(workspace: string, key: Uint8Array, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    const lsn = lsnOfRecordKey(key)
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `the segment of workspace ${workspace} that begins with record ${lsn} is damaged: ${reason}`
    throw new LogError('corrupted', message, { cause, workspace, lsn })
  }
}

function checked(key: Uint8Array, value: Uint8Array): ByteReader {
  const end = value.byteLength - CRC_BYTES
  const checksum = new ByteReader(value, Math.max(0, end), value.byteLength).u32()
  if (crc32(value.subarray(0, end), crc32(key)) !== checksum) throw new RangeError('its checksum does not match')
  const reader = new ByteReader(value, 0, end)
  const format = reader.u8()
  if (format !== FORMAT) throw new RangeError(`this version does not read format ${format.toString(16)}`)
  return reader
}

function readHead(key: Uint8Array, reader: ByteReader): SegmentHead {
  const last = reader.u48() as Lsn
  return { first: lsnOfRecordKey(key), last, firstAt: reader.u48(), lastAt: reader.u48() }
}

/**
 * Encodes column by column, so that like stands beside like. Authors and touched paths repeat: each is written once and
 * numbered. Times grow: differences are written. Updates follow each other, so that zstd finds the client ids and
 * origins they share.
 */
function encodeColumns(records: readonly LogRecord[]): Buffer {
  const authors = new Numbering()
  const touched = new Numbering()
  const [authorColumn, touchedColumn, atColumn, keyColumn, lengthColumn] = Array.from(
    { length: 5 },
    () => new ByteWriter(),
  )
  let at = records[0]?.at ?? 0
  for (const record of records) {
    authorColumn?.varuint(authors.of([record.actor, record.source, record.connection]))
    touchedColumn?.varuint(touched.of(record.touched))
    atColumn?.varuint(record.at - at)
    at = record.at
    keyColumn?.varuint(record.idempotencyKey === undefined ? 0 : 1)
    if (record.idempotencyKey !== undefined) keyColumn?.string(record.idempotencyKey)
    lengthColumn?.varuint(record.update.byteLength)
  }
  const columns = new ByteWriter()
  authors.write(columns)
  touched.write(columns)
  for (const column of [authorColumn, touchedColumn, atColumn, keyColumn, lengthColumn]) {
    if (column !== undefined) columns.bytes(column.written)
  }
  for (const { update } of records) columns.bytes(update)
  return columns.written
}

function decodeColumns(reader: ByteReader, { first, last, firstAt, lastAt }: SegmentHead): LogRecord[] {
  const count = last - first + 1
  if (!(count > 0)) throw new RangeError(`it ends with record ${last}`)
  const authors = readLists(reader)
  const touched = readLists(reader)
  const authorOf = readColumn(count, () => entryOf(authors, reader.varuint()))
  const touchedOf = readColumn(count, () => entryOf(touched, reader.varuint()))
  let at = firstAt
  const atOf = readColumn(count, () => {
    at += reader.varuint()
    return at
  })
  if (at !== lastAt) throw new RangeError(`its last record's time is ${at}, not ${lastAt}`)
  const keyOf = readColumn(count, () => (reader.varuint() === 0 ? undefined : reader.string()))
  const lengthOf = readColumn(count, () => reader.varuint())
  const records = readColumn(count, (index): LogRecord => {
    const [actor = '', source = '', connection = ''] = authorOf[index] ?? []
    const idempotencyKey = keyOf[index]
    return {
      lsn: (first + index) as Lsn,
      at: atOf[index] ?? 0,
      actor,
      source,
      connection,
      touched: touchedOf[index] ?? [],
      update: reader.bytes(lengthOf[index] ?? 0),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    }
  })
  if (reader.rest().byteLength > 0) throw new RangeError('bytes follow its end')
  return records
}

/** A plain loop: `Array.from` takes several times as long, and a record is read in a microsecond. */
function readColumn<T>(count: number, read: (index: number) => T): T[] {
  const column: T[] = []
  for (let index = 0; index < count; index++) column.push(read(index))
  return column
}

/** A table of lists of strings: each different list is written once and numbered. */
class Numbering {
  readonly #numbers = new Map<string, number>()
  readonly #lists: (readonly string[])[] = []

  of(list: readonly string[]): number {
    const text = JSON.stringify(list)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#numbers.set(text, this.#lists.length)
    return this.#lists.push(list) - 1
  }

  write(target: ByteWriter): void {
    target.varuint(this.#lists.length)
    for (const list of this.#lists) {
      target.varuint(list.length)
      for (const item of list) target.string(item)
    }
  }
}

function readLists(reader: ByteReader): string[][] {
  const lists: string[][] = []
  for (let left = reader.varuint(); left > 0; left--) {
    const list: string[] = []
    for (let items = reader.varuint(); items > 0; items--) list.push(reader.string())
    lists.push(list)
  }
  return lists
}

function entryOf(lists: readonly string[][], number: number): string[] {
  const list = lists[number]
  if (list === undefined) throw new RangeError(`it has ${lists.length} lists, not number ${number}`)
  return list
}
