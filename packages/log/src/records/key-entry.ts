import { crc32 } from 'node:zlib'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { ByteReader } from './bytes.ts'
import { idempotencyKey } from './key.ts'
import type { Put } from './write.ts'

const VALUE_BYTES = 6 + 4
/** Longest idempotency key, in bytes. Callers choose their keys; nobody needs a longer one. */
const KEY_BYTES_MAX = 1024

/** Throws `invalid` unless `key` is well-formed text of up to {@link KEY_BYTES_MAX} bytes. */
export function checkKey(key: string): void {
  if (key.isWellFormed() && Buffer.byteLength(key) <= KEY_BYTES_MAX) return
  throw new LogError(
    'invalid',
    `the idempotency key is too long or ill-formed: it has to be well-formed text of up to ${KEY_BYTES_MAX} bytes`,
  )
}

export function duplicateKey(workspace: string, key: string, lsn: Lsn): LogError {
  const message = `record ${lsn} of workspace ${workspace} has the idempotency key ${key} already`
  return new LogError('duplicate_key', message, { workspace, lsn })
}

export function encodeKeyEntry(number: number, idempotency: string, lsn: Lsn): Put {
  const key = idempotencyKey(number, idempotency)
  const value = Buffer.allocUnsafe(VALUE_BYTES)
  const end = value.writeUIntBE(lsn, 0, 6)
  value.writeUInt32BE(crc32(value.subarray(0, end), crc32(key)), end)
  return { type: 'put', key, value }
}

/** Decodes the LSN that an idempotency key leads to. Throws `corrupted`, naming the workspace. */
export function decodeKeyEntry(workspace: string, key: Uint8Array, value: Uint8Array): Lsn {
  const reader = new ByteReader(value, 0, value.byteLength)
  if (value.byteLength === VALUE_BYTES) {
    const lsn = reader.u48() as Lsn
    if (reader.u32() === crc32(value.subarray(0, 6), crc32(key))) return lsn
  }
  throw new LogError('corrupted', `an idempotency key of workspace ${workspace} is damaged`, { workspace })
}
