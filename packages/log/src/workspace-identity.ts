import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { ByteReader, stringBytes, writeString } from './bytes.ts'
import { nameKey, workspaceKey } from './key.ts'
import { LogError } from './log-error.ts'
import type { Put } from './write.ts'

const FORMAT = 0x10
const CRC_BYTES = 4
/** Longest name, in bytes of UTF-8: four segments of the wire's names and their slashes, with room to spare. */
export const WORKSPACE_NAME_BYTES_MAX = 1024

/** What the log keeps of a workspace beside its records. */
export interface WorkspaceIdentity {
  /** Stands for the name in record keys; given once, never again. */
  readonly number: number
  /** 22 characters, random: which history this is. */
  readonly generation: string
  /** Birth, ms since epoch. */
  readonly createdAt: number
}

export function makeGeneration(): string {
  return randomBytes(16).toString('base64url')
}

/** Throws `invalid` unless `name` can be a workspace's: not empty, well-formed, up to {@link WORKSPACE_NAME_BYTES_MAX}. */
export function checkWorkspaceName(name: string): void {
  if (name.length === 0 || !name.isWellFormed() || Buffer.byteLength(name) > WORKSPACE_NAME_BYTES_MAX) {
    throw new LogError('invalid', `a workspace name is 1 to ${WORKSPACE_NAME_BYTES_MAX} bytes of well-formed text`)
  }
}

/** The writes that make a workspace exist: name → identity, and number → name for tools that start from a record. */
export function encodeWorkspaceIdentity(name: string, identity: WorkspaceIdentity): Put[] {
  const key = workspaceKey(name)
  const value = Buffer.allocUnsafe(1 + 4 + 6 + stringBytes(identity.generation) + CRC_BYTES)
  value[0] = FORMAT
  value.writeUInt32BE(identity.number, 1)
  value.writeUIntBE(identity.createdAt, 5, 6)
  const end = writeString(value, identity.generation, 11)
  value.writeUInt32BE(crc32(value.subarray(0, end), crc32(key)), end)
  return [
    { type: 'put', key, value },
    { type: 'put', key: nameKey(identity.number), value: Buffer.from(name) },
  ]
}

/** Throws `corrupted`, naming the workspace. */
export function decodeWorkspaceIdentity(name: string, value: Uint8Array): WorkspaceIdentity {
  const end = value.byteLength - CRC_BYTES
  try {
    const checksum = new ByteReader(value, Math.max(0, end), value.byteLength).u32()
    if (crc32(value.subarray(0, end), crc32(workspaceKey(name))) !== checksum) {
      throw new RangeError('its checksum does not match')
    }
    const reader = new ByteReader(value, 0, end)
    const format = reader.u8()
    if (format !== FORMAT) throw new RangeError(`format ${format.toString(16)} is none that this version reads`)
    return { number: reader.u32(), createdAt: reader.u48(), generation: reader.string() }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new LogError('corrupted', `the identity of workspace ${name} is damaged: ${reason}`, { cause })
  }
}
