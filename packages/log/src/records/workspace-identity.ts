import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { LogError } from '../log-error.ts'
import { ByteReader, stringBytes, writeString } from './bytes.ts'
import { nameKey, workspaceKey } from './key.ts'
import type { Put } from './write.ts'

const FORMAT = 0x10
const FORMAT_MASK = 0xf0
const FLAG_DELETED = 0x01
const FLAG_PURGING = 0x02
const FLAGS_KNOWN = FLAG_DELETED | FLAG_PURGING
const CRC_BYTES = 4
/**
 * Longest workspace name, in bytes of UTF-8: four segments of a name on the wire and their slashes, with room to spare.
 */
export const WORKSPACE_NAME_BYTES_MAX = 1024

/** The facts that the log keeps of a workspace beside its records. */
export interface WorkspaceIdentity {
  /** The workspace's number, which stands for its name in record keys. It is given once and never again. */
  readonly number: number
  /** Id of this history: 22 random characters. */
  readonly generation: string
  /** Time of creation, ms since epoch. */
  readonly createdAt: number
  /** Set while the workspace is deleted: since when, ms since epoch. `isPurging` says that parts of it may be gone. */
  readonly deleted?: { readonly at: number; readonly isPurging: boolean }
}

export function makeGeneration(): string {
  return randomBytes(16).toString('base64url')
}

/**
 * Throws `invalid` unless `name` can be a workspace's name: well-formed text of 1 to {@link WORKSPACE_NAME_BYTES_MAX}
 * bytes.
 */
export function checkWorkspaceName(name: string): void {
  if (name.length === 0 || !name.isWellFormed() || Buffer.byteLength(name) > WORKSPACE_NAME_BYTES_MAX) {
    throw new LogError(
      'invalid',
      `the workspace name is empty, too long or ill-formed: it has to be well-formed text of 1 to ${WORKSPACE_NAME_BYTES_MAX} bytes`,
    )
  }
}

/** The writes that make a workspace exist: name → identity, and number → name for tools that start from a record. */
export function encodeWorkspaceIdentity(name: string, identity: WorkspaceIdentity): Put[] {
  const key = workspaceKey(name)
  const { number, createdAt, generation, deleted } = identity
  const value = Buffer.allocUnsafe(1 + 4 + 6 + (deleted ? 6 : 0) + stringBytes(generation) + CRC_BYTES)
  value[0] = FORMAT | (deleted ? FLAG_DELETED : 0) | (deleted?.isPurging ? FLAG_PURGING : 0)
  let offset = value.writeUIntBE(createdAt, value.writeUInt32BE(number, 1), 6)
  if (deleted) offset = value.writeUIntBE(deleted.at, offset, 6)
  const end = writeString(value, generation, offset)
  value.writeUInt32BE(crc32(value.subarray(0, end), crc32(key)), end)
  return [
    { type: 'put', key, value },
    { type: 'put', key: nameKey(number), value: Buffer.from(name) },
  ]
}

/** Decodes the identity of a workspace. Throws `corrupted`, naming the workspace. */
export function decodeWorkspaceIdentity(name: string, value: Uint8Array): WorkspaceIdentity {
  const end = value.byteLength - CRC_BYTES
  try {
    const checksum = new ByteReader(value, Math.max(0, end), value.byteLength).u32()
    if (crc32(value.subarray(0, end), crc32(workspaceKey(name))) !== checksum) {
      throw new RangeError('its checksum does not match')
    }
    const reader = new ByteReader(value, 0, end)
    const head = reader.u8()
    if ((head & FORMAT_MASK) !== FORMAT || (head & ~(FORMAT_MASK | FLAGS_KNOWN)) !== 0) {
      throw new RangeError(`this version does not read format ${head.toString(16)}`)
    }
    const [number, createdAt] = [reader.u32(), reader.u48()]
    if ((head & FLAG_DELETED) === 0) return { number, createdAt, generation: reader.string() }
    const deleted = { at: reader.u48(), isPurging: (head & FLAG_PURGING) !== 0 }
    return { number, createdAt, deleted, generation: reader.string() }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new LogError('corrupted', `the identity of workspace ${name} is damaged: ${reason}`, {
      cause,
      workspace: name,
    })
  }
}

/**
 * Whether the workspace is deleted. One with a damaged identity counts as not deleted: opening it reports the damage.
 */
export function isTombstone(name: string, value: Uint8Array): boolean {
  try {
    return decodeWorkspaceIdentity(name, value).deleted !== undefined
  } catch {
    return false
  }
}

/** Throws `deleted` if the workspace is deleted. */
export function assertAlive(name: string, { deleted }: WorkspaceIdentity): void {
  if (deleted !== undefined) throw deletedWorkspace(name, deleted.at)
}

export function deletedWorkspace(name: string, at: number): LogError {
  return new LogError('deleted', `workspace ${name} was deleted at ${new Date(at).toISOString()}`, { workspace: name })
}
