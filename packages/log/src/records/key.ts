import { LSN_MAX, type Lsn } from '../lsn.ts'

/**
 * First byte of every key, which says the kind of the entry. Numbers are big-endian, so that keys sort by them. The
 * number of a kind is on disk for good: add kinds, and never reuse a number.
 */
export const KIND = {
  /** The store's identity: one entry. */
  identity: 0x00,
  /**
   * Slot → heads that workspaces had reached lately. Roll calls sort before the records: behind them, one damaged block
   * of a table could take both the end of the last workspace and the roll call that knows of it.
   */
  rollCall: 0x01,
  /** Workspace name (UTF-8) → its number, generation and time of creation. */
  workspace: 0x02,
  /** Workspace number → its name. */
  name: 0x03,
  /** Workspace number, LSN → record. */
  record: 0x04,
  /** Workspace number, LSN, u16 part → part of the snapshot at that LSN. */
  snapshot: 0x05,
  /** Workspace number → its extent: newest snapshot, first record, last sealed record. */
  extent: 0x06,
  /** Workspace number, idempotency key (UTF-8) → LSN. */
  idempotency: 0x07,
  /** Workspace number, first LSN → sealed segment of records. */
  segment: 0x08,
  /** Written again and again when only an fsync is wanted. */
  syncMark: 0x09,
  /** Workspace number, LSN → chain value of that record. */
  chain: 0x0a,
  /** Workspace number, LSN → marks of its chain behind that record. */
  chainMarks: 0x0b,
  /** Workspace number → how far its log agrees with a history that is kept elsewhere, and the last cut. */
  historyMark: 0x0c,
} as const

/** The kinds of the entries that belong to a workspace's number, but for its name. Its extent tells of the others, and comes last. */
export const OWNED_KINDS = [
  ...[KIND.snapshot, KIND.idempotency, KIND.record, KIND.segment],
  ...[KIND.chain, KIND.chainMarks, KIND.historyMark, KIND.extent],
]

export const WORKSPACE_NUMBER_MAX = 2 ** 32 - 1
/** Kind, u32 workspace number, u48 LSN. */
export const RECORD_KEY_BYTES = 11

/** Most parts of a snapshot: they are counted with 16 bits. */
export const SNAPSHOT_PART_MAX = 0xffff

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

/** The key of an entry of which a workspace has one, and the beginning of all its keys of that kind. */
function numberKey(kind: number, number: number): Uint8Array {
  const key = Buffer.allocUnsafe(5)
  key[0] = kind
  key.writeUInt32BE(number, 1)
  return key
}

/** The key of an entry of which a workspace has one for each of some LSNs. */
function lsnKey(kind: number, number: number, lsn: number): Uint8Array {
  const key = Buffer.allocUnsafe(RECORD_KEY_BYTES)
  writeRecordKey(key, number, lsn as Lsn)
  key[0] = kind
  return key
}

/** Keys of one kind and workspace, from one LSN through another. */
export interface LsnKeyRange {
  readonly gte: Uint8Array
  readonly lte: Uint8Array
}

function lsnKeyRange(kind: number, number: number, first: number, last: number): LsnKeyRange {
  return { gte: lsnKey(kind, number, first), lte: lsnKey(kind, number, last) }
}

export function nameKey(number: number): Uint8Array {
  return numberKey(KIND.name, number)
}

/** Writes a record's key at the start of `target`. */
export function writeRecordKey(target: Buffer, number: number, lsn: Lsn): void {
  target[0] = KIND.record
  target.writeUInt32BE(number, 1)
  target.writeUIntBE(lsn, 5, 6)
}

export function recordKey(number: number, lsn: Lsn): Uint8Array {
  return lsnKey(KIND.record, number, lsn)
}

/** Range of the record keys of this workspace, for all LSNs or for some. */
export function recordKeyRange(number: number, first = 0, last = LSN_MAX): LsnKeyRange {
  return lsnKeyRange(KIND.record, number, first, last)
}

export function snapshotKey(number: number, lsn: Lsn, part: number): Uint8Array {
  const key = Buffer.allocUnsafe(RECORD_KEY_BYTES + 2)
  writeRecordKey(key, number, lsn)
  key[0] = KIND.snapshot
  key.writeUInt16BE(part, RECORD_KEY_BYTES)
  return key
}

/** Range of the keys of snapshot parts of this workspace, from one LSN through another. */
export function snapshotKeyRange(number: number, first = 0, last = LSN_MAX): LsnKeyRange {
  return { gte: snapshotKey(number, first as Lsn, 0), lte: snapshotKey(number, last as Lsn, SNAPSHOT_PART_MAX) }
}

export function segmentKey(number: number, firstLsn: Lsn): Uint8Array {
  return lsnKey(KIND.segment, number, firstLsn)
}

/** Range of the segment keys of this workspace, for all first LSNs or for some. */
export function segmentKeyRange(number: number, first = 0, last = LSN_MAX): LsnKeyRange {
  return lsnKeyRange(KIND.segment, number, first, last)
}

export function chainKey(number: number, lsn: Lsn): Uint8Array {
  return lsnKey(KIND.chain, number, lsn)
}

/** Range of the keys of chain values of this workspace, from one LSN through another. */
export function chainKeyRange(number: number, first = 0, last = LSN_MAX): LsnKeyRange {
  return lsnKeyRange(KIND.chain, number, first, last)
}

export function chainMarksKey(number: number, after: Lsn): Uint8Array {
  return lsnKey(KIND.chainMarks, number, after)
}

/** Range of the keys of marks of this workspace's chain, behind one LSN and all through another. */
export function chainMarksKeyRange(number: number, first = 0, last = LSN_MAX): LsnKeyRange {
  return lsnKeyRange(KIND.chainMarks, number, first, last)
}

export function idempotencyKey(number: number, idempotency: string): Uint8Array {
  const key = Buffer.allocUnsafe(5 + Buffer.byteLength(idempotency))
  key[0] = KIND.idempotency
  key.writeUInt32BE(number, 1)
  key.write(idempotency, 5)
  return key
}

export function extentKey(number: number): Uint8Array {
  return numberKey(KIND.extent, number)
}

export function markKey(number: number): Uint8Array {
  return numberKey(KIND.historyMark, number)
}

/** The LSN in the key of a record, of a segment (its first LSN), of a part of a snapshot, or of a chain value or its marks. */
export function lsnOfRecordKey(key: Uint8Array): Lsn {
  return (u32(key, 5) * 2 ** 16 + at(key, 9) * 2 ** 8 + at(key, 10)) as Lsn
}

/** The number in the key of a part of a snapshot: 0 for its first. */
export function partOfSnapshotKey(key: Uint8Array): number {
  return at(key, RECORD_KEY_BYTES) * 2 ** 8 + at(key, RECORD_KEY_BYTES + 1)
}

/** The workspace number of any key that has one. */
export function numberOfKey(key: Uint8Array): number {
  return u32(key, 1)
}

// Written byte by byte, without a DataView: this runs at every append.
function u32(key: Uint8Array, offset: number): number {
  return at(key, offset) * 2 ** 24 + at(key, offset + 1) * 2 ** 16 + at(key, offset + 2) * 2 ** 8 + at(key, offset + 3)
}

function at(key: Uint8Array, index: number): number {
  return key[index] ?? 0
}

/** Every key of one kind that belongs to one workspace. */
export function ownRange(kind: number, number: number): { gte: Uint8Array; lt: Uint8Array } {
  const lt = number === WORKSPACE_NUMBER_MAX ? Buffer.from([kind + 1]) : numberKey(kind, number + 1)
  return { gte: numberKey(kind, number), lt }
}

/** Every key of one kind. */
export function kindRange(kind: number): { gte: Uint8Array; lt: Uint8Array } {
  return { gte: Buffer.from([kind]), lt: Buffer.from([kind + 1]) }
}
