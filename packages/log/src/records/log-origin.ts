import { crc32 } from 'node:zlib'
import type { LogOrigin } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { parseLsn } from '../parse-lsn.ts'
import { isChainValue, parseChainMarks } from './kept-chain.ts'
import { pack, unpack } from './zstd.ts'

const FORMAT = 0x10
/** Format, and the bytes of the unpacked body. */
const HEAD_BYTES = 1 + 6
const CRC_BYTES = 4
const LENGTH_BYTES = 4

/** The fields of an origin that stand before the state and the annex of its snapshot, as JSON. */
type Header = Omit<LogOrigin, 'snapshot'> & {
  readonly snapshot?: { readonly at: number; readonly stateBytes: number; readonly annexBytes: number }
}

/** Encodes the beginning of a log for another machine (SPEC.md, "Origin"). */
export async function encodeLogOrigin({ snapshot, ...origin }: LogOrigin): Promise<Uint8Array> {
  const { at = 0, state = new Uint8Array(0), annex = new Uint8Array(0) } = snapshot ?? {}
  const sizes = snapshot && { snapshot: { at, stateBytes: state.byteLength, annexBytes: annex.byteLength } }
  const header = Buffer.from(JSON.stringify({ ...origin, ...sizes } satisfies Header))
  const length = Buffer.allocUnsafe(LENGTH_BYTES)
  length.writeUInt32BE(header.byteLength)
  const body = Buffer.concat([length, header, state, annex])
  const packed = await pack(body)
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + packed.byteLength + CRC_BYTES)
  bytes[0] = FORMAT
  bytes.writeUIntBE(body.byteLength, 1, 6)
  bytes.set(packed, HEAD_BYTES)
  const end = bytes.byteLength - CRC_BYTES
  bytes.writeUInt32BE(crc32(bytes.subarray(0, end)), end)
  return bytes
}

/** Decodes what {@link encodeLogOrigin} has made. Throws `corrupted`, naming the workspace. */
export async function decodeLogOrigin(workspace: string, given: Uint8Array): Promise<LogOrigin> {
  try {
    const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
    const end = bytes.byteLength - CRC_BYTES
    if (end < HEAD_BYTES || bytes.readUInt32BE(end) !== crc32(bytes.subarray(0, end))) {
      throw new RangeError('its checksum does not match')
    }
    if (bytes[0] !== FORMAT) throw new RangeError(`this version does not read format ${bytes[0]?.toString(16)}`)
    return originIn(await unpack(bytes.subarray(HEAD_BYTES, end), bytes.readUIntBE(1, 6)))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new LogError('corrupted', `the beginning of workspace ${workspace} can't be read: ${reason}`, {
      cause,
      workspace,
    })
  }
}

function originIn(body: Buffer): LogOrigin {
  const begin = LENGTH_BYTES + body.readUInt32BE(0)
  const header = JSON.parse(body.subarray(LENGTH_BYTES, begin).toString()) as Header
  const { chain, dropped, keys, snapshot: sizes } = header
  const lsn = parseLsn(header.lsn)
  const marks = parseChainMarks(header.marks)
  if (marks === undefined || !isChainValue(chain)) throw new RangeError('its chain is ill-formed')
  if (sizes === undefined) return { lsn, chain, marks, dropped, keys, snapshot: undefined }
  const { at, stateBytes, annexBytes } = sizes
  const state = body.subarray(begin, begin + stateBytes)
  const annex = body.subarray(begin + stateBytes)
  if (state.byteLength !== stateBytes || annex.byteLength !== annexBytes)
    throw new RangeError('its snapshot is cut off')
  return { lsn, chain, marks, dropped, keys, snapshot: { lsn, at, state, annex } }
}
