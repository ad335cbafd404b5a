import { LSN_MAX, type Lsn } from './lsn.ts'

/**
 * First byte of every key. Numbers are big-endian, so that keys sort as what they stand for.
 * A kind's number is on disk for good: add, never reuse.
 */
export const KIND = {
  /** One record that says whose database this is. */
  identity: 0x00,
  /**
   * Slot → the heads that recent records had reached. It must not stand behind the records: one damaged block
   * of a table would then take the end of the last workspace and the witness to it.
   */
  rollCall: 0x01,
  /** Workspace name (UTF-8) → its number, generation and birth. */
  workspace: 0x02,
  /** Workspace number → its name. */
  name: 0x03,
  /** Workspace number, LSN → record. */
  record: 0x04,
  /** Reserved: workspace number, LSN → snapshot. */
  snapshot: 0x05,
  /** Reserved: workspace number → LSN of the snapshot that counts. */
  snapshotPointer: 0x06,
  /** Reserved: workspace number, idempotency key → LSN. */
  idempotency: 0x07,
  /** Reserved: workspace number, first LSN → sealed segment of records. */
  segment: 0x08,
  /** Written over and over to carry an fsync when there is nothing else to write. */
  syncMark: 0x09,
} as const

export const WORKSPACE_NUMBER_MAX = 2 ** 32 - 1
/** Kind, u32 workspace number, u48 LSN. */
export const RECORD_KEY_BYTES = 11

export const IDENTITY_KEY: Uint8Array = Buffer.from([KIND.identity, ...Buffer.from('joinery')])
export const SYNC_MARK_KEY: Uint8Array = Buffer.from([KIND.syncMark])

export function workspaceKey(name: string): Uint8Array {
  const key = Buffer.allocUnsafe(1 + Buffer.byteLength(name))
  key[0] = KIND.workspace
  key.write(name, 1)
  return key
}

export function nameOfWorkspaceKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset + 1, key.byteLength - 1).toString()
}

export function nameKey(number: number): Uint8Array {
  const key = Buffer.allocUnsafe(5)
  key[0] = KIND.name
  key.writeUInt32BE(number, 1)
  return key
}

/** Writes a record's key at the start of `target`. */
export function writeRecordKey(target: Buffer, number: number, lsn: Lsn): void {
  target[0] = KIND.record
  target.writeUInt32BE(number, 1)
  target.writeUIntBE(lsn, 5, 6)
}

export function recordKey(number: number, lsn: Lsn): Uint8Array {
  const key = Buffer.allocUnsafe(RECORD_KEY_BYTES)
  writeRecordKey(key, number, lsn)
  return key
}

/** The first and the last key that a record of this workspace can have. */
export function recordKeyRange(number: number): { gte: Uint8Array; lte: Uint8Array } {
  return { gte: recordKey(number, 0 as Lsn), lte: recordKey(number, LSN_MAX as Lsn) }
}

export function lsnOfRecordKey(key: Uint8Array): Lsn {
  return (u32(key, 5) * 2 ** 16 + at(key, 9) * 2 ** 8 + at(key, 10)) as Lsn
}

/** The workspace number of a record's or a name's key. */
export function numberOfKey(key: Uint8Array): number {
  return u32(key, 1)
}

// By hand and without a view: these run for every append.
function u32(key: Uint8Array, offset: number): number {
  return at(key, offset) * 2 ** 24 + at(key, offset + 1) * 2 ** 16 + at(key, offset + 2) * 2 ** 8 + at(key, offset + 3)
}

function at(key: Uint8Array, index: number): number {
  return key[index] ?? 0
}

/** Every key of one kind. */
export function kindRange(kind: number): { gte: Uint8Array; lt: Uint8Array } {
  return { gte: Buffer.from([kind]), lt: Buffer.from([kind + 1]) }
}
