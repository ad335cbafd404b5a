import { crc32 } from 'node:zlib'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { ByteReader } from './bytes.ts'
import { extentKey } from './key.ts'
import type { Put } from './write.ts'

const FORMAT = 0x10
const VALUE_BYTES = 1 + 3 * 6 + 4

/** How far each form of one workspace's history reaches. One value, so that a batch moves all of it at once. */
export interface Extent {
  /** First LSN that can still be read: those before it are dropped. */
  readonly firstLsn: Lsn
  /** Records through this one stand in sealed segments; 0 for none. */
  readonly sealedLsn: Lsn
  /** The snapshot that counts; 0 for none. Parts of snapshots beyond it are of one that was never finished. */
  readonly snapshotLsn: Lsn
}

/** Of a workspace that has nothing but records; none is written for it. */
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

/** `value` undefined stands for {@link PLAIN_EXTENT}. Throws `corrupted`, naming the workspace. */
export function decodeExtent(workspace: string, number: number, value: Uint8Array | undefined): Extent {
  if (value === undefined) return PLAIN_EXTENT
  try {
    const reader = new ByteReader(value, 0, value.byteLength)
    const format = reader.u8()
    const [firstLsn, sealedLsn, snapshotLsn] = [reader.u48() as Lsn, reader.u48() as Lsn, reader.u48() as Lsn]
    const checksum = crc32(value.subarray(0, reader.offset), crc32(extentKey(number)))
    if (reader.u32() !== checksum || reader.offset !== VALUE_BYTES) throw new RangeError('its checksum does not match')
    if (format !== FORMAT) throw new RangeError(`format ${format.toString(16)} is none that this version reads`)
    return { firstLsn, sealedLsn, snapshotLsn }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new LogError('corrupted', `the extent of workspace ${workspace} is damaged: ${reason}`, { cause, workspace })
  }
}
