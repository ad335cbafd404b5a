import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { LogError } from '../log-error.ts'
import { ByteReader, stringBytes, writeString } from '../records/bytes.ts'
import { IDENTITY_KEY } from '../records/key.ts'
import type { Put } from '../records/write.ts'

/** Number of the layout of keys and records in SPEC.md. */
const FORMAT = 1
const CRC_BYTES = 4

export function makeStoreId(): string {
  return randomBytes(16).toString('base64url')
}

/** The write that marks a database as this Joinery log. */
export function encodeStoreIdentity(storeId: string): Put {
  const value = Buffer.allocUnsafe(1 + stringBytes(storeId) + CRC_BYTES)
  value[0] = FORMAT
  const end = writeString(value, storeId, 1)
  value.writeUInt32BE(crc32(value.subarray(0, end), crc32(IDENTITY_KEY)), end)
  return { type: 'put', key: IDENTITY_KEY, value }
}

/**
 * The store's id. Throws `corrupted` if the entry is damaged, `foreign_directory` if its format is newer than this
 * version.
 */
export function decodeStoreIdentity(value: Uint8Array, directory: string): string {
  const end = value.byteLength - CRC_BYTES
  if (
    end < 2 ||
    crc32(value.subarray(0, end), crc32(IDENTITY_KEY)) !== new ByteReader(value, end, end + CRC_BYTES).u32()
  ) {
    throw new LogError('corrupted', `the identity record in ${directory} is damaged: restore it from a copy`)
  }
  const reader = new ByteReader(value, 0, end)
  const format = reader.u8()
  if (format !== FORMAT) {
    throw new LogError(
      'foreign_directory',
      `${directory} has log format ${format}, and this version reads ${FORMAT}: open it with a newer version`,
    )
  }
  return reader.string()
}
