import { crc32 } from 'node:zlib'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { ByteReader } from './bytes.ts'
import { extentKey } from './key.ts'
import type { Put } from './write.ts'

const FORMAT = 0x10
const VALUE_BYTES = 1 + 3 * 6 + 4

/**
 * Where records, segments and snapshots of one workspace begin and end. One value, so that one batch changes all of
 * them together.
 */
export interface Extent {
  /** First LSN that can still be read: the records before it are dropped. */
  readonly firstLsn: Lsn
  /** LSN of the last sealed record; 0 for none. */
  readonly sealedLsn: Lsn
  /**
   * LSN of the newest complete snapshot; 0 for none. Parts of snapshots beyond it belong to one that was never
   * finished.
   */
  readonly snapshotLsn: Lsn
}

/** The extent of a workspace that has records only. It is not stored. */
export const PLAIN_EXTENT: Extent = { firstLsn: 1 as Lsn, sealedLsn: 0 as Lsn, snapshotLsn: 0 as Lsn }

export function encodeExtent(number: number, { firstLsn, sealedLsn, snapshotLsn }: Extent): Put {
  const key = extentKey(number)
  const value = Buffer.allocUnsafe(VALUE_BYTES)
  value[0] = FORMAT
  value.writeUIntBE(firstLsn, 1, 6)
  value.writeUIntBE(sealedLsn, 7, 6)
  value.writeUIntBE(snapshotLsn, 13, 6)
  value.writeUInt32BE(crc32(value.subarray(0, 19), crc32(key)), 19)
  return { type: 'put', key, value }
}

/** Decodes a stored extent; undefined stands for {@link PLAIN_EXTENT}. Throws `corrupted`, naming the workspace. */
export function decodeExtent(workspace: string, number: number, value: Uint8Array | undefined): Extent {
  if (value === undefined) return PLAIN_EXTENT
  try {
    const reader = new ByteReader(value, 0, value.byteLength)
    const format = reader.u8()
    const [firstLsn, sealedLsn, snapshotLsn] = [reader.u48() as Lsn, reader.u48() as Lsn, reader.u48() as Lsn]
    const checksum = crc32(value.subarray(0, reader.offset), crc32(extentKey(number)))
    if (reader.u32() !== checksum || reader.offset !== VALUE_BYTES) throw new RangeError('its checksum does not match')
    if (format !== FORMAT) throw new RangeError(`this version does not read format ${format.toString(16)}`)
    return { firstLsn, sealedLsn, snapshotLsn }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new LogError('corrupted', `the extent of workspace ${workspace} is damaged: ${reason}`, { cause, workspace })
  }
}
