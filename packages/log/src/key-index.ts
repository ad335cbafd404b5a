import { crc32 } from 'node:zlib'
import { ByteReader } from './bytes.ts'
import type { Database } from './database.ts'
import type { Group } from './group.ts'
import { idempotencyKey } from './key.ts'
import { LogError } from './log-error.ts'
import type { Lsn } from './lsn.ts'
import type { Put } from './write.ts'

const VALUE_BYTES = 6 + 4
/** Callers make these up; nobody needs a longer one. */
const KEY_BYTES_MAX = 1024

/** Throws `invalid` unless `key` is well-formed text of up to {@link KEY_BYTES_MAX} bytes. */
export function checkKey(key: string): void {
  if (key.isWellFormed() && Buffer.byteLength(key) <= KEY_BYTES_MAX) return
  throw new LogError('invalid', `an idempotency key is well-formed text of up to ${KEY_BYTES_MAX} bytes`)
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

/** Throws `corrupted`, naming the workspace. */
export function decodeKeyEntry(workspace: string, key: Uint8Array, value: Uint8Array): Lsn {
  const reader = new ByteReader(value, 0, value.byteLength)
  if (value.byteLength === VALUE_BYTES) {
    const lsn = reader.u48() as Lsn
    if (reader.u32() === crc32(value.subarray(0, 6), crc32(key))) return lsn
  }
  throw new LogError('corrupted', `an idempotency key of workspace ${workspace} is damaged`, { workspace })
}

/** Which record carries an idempotency key: what the disk says, and what is on its way there. */
export class KeyIndex {
  readonly #workspace: string
  /** Made when a key comes: most workspaces are given none, and an empty map takes as much as their whole log. */
  #waiting: Map<string, Lsn> | undefined

  constructor(workspace: string) {
    this.#workspace = workspace
  }

  /** The record with this key, found without leaving the turn. Throws `corrupted` or the storage error. */
  find(disk: Database, number: number, idempotency: string): Lsn | undefined {
    const waiting = this.#waiting?.get(idempotency)
    if (waiting !== undefined) return waiting
    const key = idempotencyKey(number, idempotency)
    const value = disk.getNow(key)
    return value && decodeKeyEntry(this.#workspace, key, value)
  }

  /** Goes the way of the record it points to: in the same batch. */
  add(number: number, idempotency: string, lsn: Lsn, group: Group): void {
    group.writes.push(encodeKeyEntry(number, idempotency, lsn))
    this.#waiting ??= new Map()
    const waiting = this.#waiting.set(idempotency, lsn)
    const forget = () => waiting.delete(idempotency)
    group.durable.then(forget, forget)
  }
}
