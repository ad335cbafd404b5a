import { crc32 } from 'node:zlib'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import type { ChainMark, ChainValue } from './chain.ts'
import { chainKey, chainMarksKey, lsnOfRecordKey } from './key.ts'
import type { Put } from './write.ts'

const FORMAT = 0x10
const CRC_BYTES = 4
const VALUE_BYTES = 1 + 32 + CRC_BYTES
const IS_VALUE = /^[0-9a-f]{64}$/
/** One value in so many is kept: as many records are read again, at most, to compute one in between. */
export const CHAIN_KEPT_EVERY = 1_000

/** Whether text is a chain value. */
export function isChainValue(value: unknown): value is ChainValue {
  return typeof value === 'string' && IS_VALUE.test(value)
}

/** Encodes the chain value of one record. */
export function encodeChainValue(number: number, lsn: Lsn, value: ChainValue): Put {
  return sealed(chainKey(number, lsn), Buffer.from(value, 'hex'))
}

/** Decodes a kept chain value. Throws `corrupted`, naming workspace and LSN. */
export function decodeChainValue(workspace: string, key: Uint8Array, value: Uint8Array): ChainValue {
  const body = value.byteLength === VALUE_BYTES ? bodyOf(key, value) : undefined
  if (body !== undefined) return body.toString('hex')
  throw new LogError('corrupted', `the chain value of record ${lsnOfRecordKey(key)} of ${workspace} is damaged`, {
    workspace,
  })
}

/** Encodes marks of a workspace's chain: one entry for those that stand behind one record. */
export function encodeChainMarks(number: number, marks: readonly ChainMark[]): Put[] {
  const byPlace = Map.groupBy(marks, ({ after }) => after)
  return [...byPlace].map(([after, some]) => sealed(chainMarksKey(number, after), Buffer.from(JSON.stringify(some))))
}

/** Decodes the marks behind one record of a workspace. Throws `corrupted`, naming the workspace. */
export function decodeChainMarks(workspace: string, key: Uint8Array, value: Uint8Array): ChainMark[] {
  const body = bodyOf(key, value)
  const marks = body && parseChainMarks(parsed(body))
  if (marks !== undefined) return marks
  throw new LogError('corrupted', `the marks of the chain of workspace ${workspace} are damaged`, { workspace })
}

/** The marks in a JSON value; undefined if it has none. */
export function parseChainMarks(value: unknown): ChainMark[] | undefined {
  return Array.isArray(value) && value.every(isMark) && isInOrder(value) ? value : undefined
}

function isMark(mark: unknown): mark is ChainMark {
  if (typeof mark !== 'object' || mark === null || !('after' in mark) || !isLsn(mark.after)) return false
  if ('generation' in mark) return typeof mark.generation === 'string'
  return 'groundLsn' in mark && isLsn(mark.groundLsn) && isValueOf(mark, 'state') && isValueOf(mark, 'annex')
}

function isInOrder(marks: readonly ChainMark[]): boolean {
  return marks.every(({ after }, n) => after >= (marks[n - 1]?.after ?? 0))
}

function isLsn(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isValueOf(mark: object, name: string): boolean {
  return isChainValue(Reflect.get(mark, name))
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

function sealed(key: Uint8Array, body: Uint8Array): Put {
  const value = Buffer.allocUnsafe(1 + body.byteLength + CRC_BYTES)
  value[0] = FORMAT
  value.set(body, 1)
  const end = value.byteLength - CRC_BYTES
  value.writeUInt32BE(crc32(value.subarray(0, end), crc32(key)), end)
  return { type: 'put', key, value }
}

/** Undefined unless format and checksum are right. */
function bodyOf(key: Uint8Array, value: Uint8Array): Buffer | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const end = bytes.byteLength - CRC_BYTES
  if (end < 1 || bytes[0] !== FORMAT || bytes.readUInt32BE(end) !== crc32(bytes.subarray(0, end), crc32(key))) {
    return undefined
  }
  return bytes.subarray(1, end)
}
