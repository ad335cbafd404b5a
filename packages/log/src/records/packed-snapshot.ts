import { crc32 } from 'node:zlib'
import type { Snapshot } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { ByteReader, varuintBytes, writeVaruint } from './bytes.ts'
import { SNAPSHOT_PART_MAX, snapshotKey } from './key.ts'
import type { Put } from './write.ts'
import { pack, unpack } from './zstd.ts'

const FORMAT = 0x10
const FORMAT_MASK = 0xf0
/** Bit of the head: the state is packed as its difference from the state of an earlier snapshot. */
const FLAG_BASE = 0x01
const CRC_BYTES = 4
/** Offset of the base's LSN (u48), after head (u8) and time (u48). */
const BASE_OFFSET = 1 + 6
const BASE_BYTES = BASE_OFFSET + 6
/** Largest part. While LevelDB copies and writes a large value, every other writer waits. */
const PART_BYTES = 1024 * 1024
/** Largest state or annex. It limits what unpacking may allocate; a Yjs document of this size takes minutes to load. */
export const STATE_BYTES_MAX = 1024 * 1024 * 1024

/** A snapshot as it is stored. */
export interface PackedSnapshot {
  readonly lsn: Lsn
  readonly at: number
  readonly annex: Uint8Array
  /** The snapshot that the state is packed against; undefined for none. */
  readonly base: { readonly lsn: Lsn; readonly depth: number } | undefined
  readonly stateBytes: number
  readonly stateCrc: number
  readonly packedState: Uint8Array
}

/**
 * Packs a snapshot; `depth` is the number of snapshots that have to be unpacked before this one. Compresses off the
 * main thread; only copying happens on it.
 */
export async function packSnapshot(
  snapshot: Snapshot,
  base?: { lsn: Lsn; depth: number; state: Uint8Array },
): Promise<PackedSnapshot> {
  const { lsn, at, annex, state } = snapshot
  const packedState = await pack(state, base?.state)
  return {
    ...{ lsn, at, annex, packedState, stateBytes: state.byteLength, stateCrc: crc32(state) },
    base: base && { lsn: base.lsn, depth: base.depth },
  }
}

/**
 * Unpacks a snapshot. Throws a RangeError if `baseState` is not the state it was packed against, or if bytes are
 * damaged.
 */
export async function unpackState(packed: PackedSnapshot, baseState?: Uint8Array): Promise<Uint8Array> {
  const state = await unpack(packed.packedState, packed.stateBytes, baseState)
  if (crc32(state) !== packed.stateCrc) throw new RangeError('the state does not match its checksum')
  return state
}

/** The snapshot as LevelDB gets it, in parts: SPEC.md has the layout. */
export async function encodeSnapshot(number: number, snapshot: PackedSnapshot): Promise<Put[]> {
  const { lsn, at, annex, base, stateBytes, stateCrc, packedState } = snapshot
  const packedAnnex = await pack(annex)
  const sizes = [stateBytes, annex.byteLength, packedAnnex.byteLength]
  const headBytes = 1 + 6 + 4 + sizes.reduce((sum, size) => sum + varuintBytes(size), 0) + (base ? 7 : 0)
  const bytes = Buffer.allocUnsafe(headBytes + packedAnnex.byteLength + packedState.byteLength + CRC_BYTES)
  bytes[0] = FORMAT | (base ? FLAG_BASE : 0)
  let offset = bytes.writeUIntBE(at, 1, 6)
  if (base) offset = bytes.writeUInt8(base.depth, bytes.writeUIntBE(base.lsn, offset, 6))
  offset = bytes.writeUInt32BE(stateCrc, offset)
  for (const size of sizes) offset = writeVaruint(bytes, size, offset)
  bytes.set(packedAnnex, offset)
  bytes.set(packedState, offset + packedAnnex.byteLength)
  const end = bytes.byteLength - CRC_BYTES
  bytes.writeUInt32BE(crc32(bytes.subarray(0, end), crc32(snapshotKey(number, lsn, 0))), end)
  const parts: Put[] = []
  for (let start = 0; start < bytes.byteLength; start += PART_BYTES) {
    const key = snapshotKey(number, lsn, Math.min(parts.length, SNAPSHOT_PART_MAX))
    parts.push({ type: 'put', key, value: bytes.subarray(start, start + PART_BYTES) })
  }
  return parts
}

/** Whether the snapshot that begins with this part 0 has no other part. */
export function isOnlyPart(part: Uint8Array): boolean {
  return part.byteLength < PART_BYTES
}

/** Puts a snapshot together from all its parts, in order. Throws `corrupted`, naming workspace and LSN. */
export async function decodeSnapshot(
  workspace: string,
  number: number,
  lsn: Lsn,
  parts: readonly Uint8Array[],
): Promise<PackedSnapshot> {
  try {
    const bytes = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
    const end = bytes.byteLength - CRC_BYTES
    const checksum = new ByteReader(bytes, Math.max(0, end), bytes.byteLength).u32()
    if (crc32(bytes.subarray(0, end), crc32(snapshotKey(number, lsn, 0))) !== checksum) {
      throw new RangeError('its checksum does not match')
    }
    return { lsn, ...(await decodeBody(new ByteReader(bytes, 0, end))) }
  } catch (cause) {
    throw damagedSnapshot(workspace, lsn, cause)
  }
}

async function decodeBody(reader: ByteReader): Promise<Omit<PackedSnapshot, 'lsn'>> {
  const head = reader.u8()
  if ((head & FORMAT_MASK) !== FORMAT || (head & ~(FORMAT_MASK | FLAG_BASE)) !== 0) {
    throw new RangeError(`this version does not read format ${head.toString(16)}`)
  }
  const at = reader.u48()
  const base = (head & FLAG_BASE) === 0 ? undefined : { lsn: reader.u48() as Lsn, depth: reader.u8() }
  const stateCrc = reader.u32()
  const [stateBytes, annexBytes, packedAnnexBytes] = [reader.varuint(), reader.varuint(), reader.varuint()]
  if (stateBytes > STATE_BYTES_MAX || annexBytes > STATE_BYTES_MAX) throw new RangeError('it claims too many bytes')
  const annex = await unpack(reader.bytes(packedAnnexBytes), annexBytes)
  return { at, base, annex, stateBytes, stateCrc, packedState: reader.rest() }
}

/**
 * The LSN of the base of the snapshot that begins with this part. Nothing is checked: for a damaged part it is
 * undefined or any LSN, and such a snapshot is of no use anyway.
 */
export function snapshotBase(key: Uint8Array, part: Uint8Array): Lsn | undefined {
  const isHead = key[key.byteLength - 2] === 0 && key[key.byteLength - 1] === 0
  if (!isHead || part.byteLength < BASE_BYTES || ((part[0] ?? 0) & FLAG_BASE) === 0) return undefined
  return new ByteReader(part, BASE_OFFSET, BASE_BYTES).u48() as Lsn
}

/** An error met while reading a snapshot, as one that names the snapshot. */
export function damagedSnapshot(workspace: string, lsn: Lsn, cause: unknown): LogError {
  if (cause instanceof LogError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `the snapshot at ${lsn} of workspace ${workspace} is damaged: ${reason}`
  return new LogError('corrupted', message, { cause, workspace })
}
