import type { LogRecord } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { ByteReader, varuintBytes, writeVaruint } from './bytes.ts'
import { RECORD_KEY_BYTES } from './key.ts'
import { decodeRecord, encodeRecord } from './record.ts'

/** Workspace number that no log has: these bytes belong to no store. */
const NO_NUMBER = 0

/**
 * Bytes of one record outside of a store, as another machine gets them: its length (varuint), then key and value as the
 * log stores them under workspace number 0.
 */
export function encodePortableRecord({ lsn, at, ...entry }: LogRecord): Uint8Array {
  const { key, value } = encodeRecord(NO_NUMBER, lsn, at, entry)
  const size = key.byteLength + value.byteLength
  const bytes = Buffer.allocUnsafe(varuintBytes(size) + size)
  const offset = writeVaruint(bytes, size, 0)
  bytes.set(key, offset)
  bytes.set(value, offset + key.byteLength)
  return bytes
}

/** Decodes records that stand one after the other. Throws `corrupted`, naming the workspace. */
export function decodePortableRecords(workspace: string, bytes: Uint8Array): LogRecord[] {
  const records: LogRecord[] = []
  for (let offset = 0; offset < bytes.byteLength; ) {
    const part = nextPart(workspace, bytes, offset)
    records.push(decodeRecord(workspace, part.subarray(0, RECORD_KEY_BYTES), part.subarray(RECORD_KEY_BYTES)))
    offset = part.byteOffset - bytes.byteOffset + part.byteLength
  }
  return records
}

function nextPart(workspace: string, bytes: Uint8Array, offset: number): Uint8Array {
  try {
    const reader = new ByteReader(bytes, offset, bytes.byteLength)
    const size = reader.varuint()
    const rest = reader.rest()
    if (size <= RECORD_KEY_BYTES || size > rest.byteLength) throw new RangeError(`it claims ${size} bytes`)
    return rest.subarray(0, size)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new LogError('corrupted', `records of workspace ${workspace} can't be read: ${reason}`, { cause, workspace })
  }
}
