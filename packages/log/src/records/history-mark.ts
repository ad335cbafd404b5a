import { crc32 } from 'node:zlib'
import type { HistoryMark, LogCut } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { ByteReader, stringBytes, writeString } from './bytes.ts'
import { isChainValue } from './kept-chain.ts'
import { markKey } from './key.ts'
import type { Put } from './write.ts'

const FORMAT = 0x10
const FLAG_CUT = 0x01
/** The floor lies above the mark. */
const FLAG_FLOOR = 0x02
const CHAIN = /^[0-9a-f]{16}$/
const CRC_BYTES = 4

/** A cut, and the number of the first roll call that tells of no record behind it. */
export interface KeptCut extends LogCut {
  readonly rollCall: number
}

/** The value under the key of a workspace's mark. */
export interface KeptMark {
  readonly mark: HistoryMark
  readonly cut: KeptCut | undefined
  /** No record up to this LSN is cut off. It is never below the mark. */
  readonly floor: Lsn
}

/** Whether a value is the chain value of a message: 16 hexadecimal digits. */
export function isMessageChain(chain: string): boolean {
  return CHAIN.test(chain)
}

export function encodeMark(number: number, { mark, cut, floor }: KeptMark): Put {
  const key = markKey(number)
  const { sequence, epoch, lsn, chain, generation = '' } = mark
  const value = Buffer.allocUnsafe(1 + 3 * 6 + 8 + stringBytes(generation) + (cut ? 4 * 6 + 32 : 0) + 6 + CRC_BYTES)
  value[0] = FORMAT | (cut ? FLAG_CUT : 0) | (floor > lsn ? FLAG_FLOOR : 0)
  let offset = 1
  for (const count of [sequence, epoch, lsn]) offset = value.writeUIntBE(count, offset, 6)
  offset += value.write(chain, offset, 'hex')
  offset = writeString(value, generation, offset)
  if (cut !== undefined) {
    for (const count of [cut.rollCall, cut.lsn, cut.head, cut.at]) offset = value.writeUIntBE(count, offset, 6)
    offset += value.write(cut.chain, offset, 'hex')
  }
  if (floor > lsn) offset = value.writeUIntBE(floor, offset, 6)
  const end = value.writeUInt32BE(crc32(value.subarray(0, offset), crc32(key)), offset)
  return { type: 'put', key, value: value.subarray(0, end) }
}

/** Undefined if it is damaged: without its mark a log is compared with the history from the first record on. */
export function decodeMark(key: Uint8Array, value: Uint8Array): KeptMark | undefined {
  try {
    const end = value.byteLength - CRC_BYTES
    const checksum = new ByteReader(value, Math.max(0, end), value.byteLength).u32()
    if (crc32(value.subarray(0, end), crc32(key)) !== checksum) return undefined
    const reader = new ByteReader(value, 0, end)
    const head = reader.u8()
    if ((head & ~(FLAG_CUT | FLAG_FLOOR)) !== FORMAT) return undefined
    const [sequence, epoch, lsn] = [reader.u48(), reader.u48(), reader.u48() as Lsn]
    const chain = hexOf(reader, 8)
    const generation = reader.string()
    const mark = { sequence, epoch, lsn, chain, generation: generation === '' ? undefined : generation }
    const cut = (head & FLAG_CUT) === 0 ? undefined : readCut(reader)
    return { mark, cut, floor: (head & FLAG_FLOOR) === 0 ? lsn : (reader.u48() as Lsn) }
  } catch {
    return undefined
  }
}

function readCut(reader: ByteReader): KeptCut {
  const [rollCall, lsn, head, at] = [reader.u48(), reader.u48() as Lsn, reader.u48() as Lsn, reader.u48()]
  const chain = hexOf(reader, 32)
  if (!isChainValue(chain)) throw new RangeError('its chain value is cut short')
  return { rollCall, lsn, head, at, chain }
}

function hexOf(reader: ByteReader, bytes: number): string {
  let hex = ''
  for (let n = 0; n < bytes; n++) hex += reader.u8().toString(16).padStart(2, '0')
  return hex
}
