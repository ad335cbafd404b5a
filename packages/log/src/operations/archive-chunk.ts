import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { LogError } from '../log-error.ts'

/** First bytes of every archive. The number is its version. */
const ARCHIVE = 'JOINERY ARCHIVE 1\n'
/** Bytes of a chunk's header: kind and length. */
const HEAD_BYTES = 5
const CRC_BYTES = 4
const DIGEST_BYTES = 32
/**
 * Largest payload: a segment holds one update of up to 256 MiB or many small ones, and a part of a snapshot has 1 MiB.
 */
const PAYLOAD_BYTES_MAX = 384 * 1024 * 1024

/**
 * First byte of a chunk, which says its kind. The numbers are in archives for good: add kinds, and never reuse a
 * number.
 */
export const CHUNK = {
  /** JSON: {@link ArchiveHead}. */
  head: 0x01,
  /** JSON: begins a workspace. */
  workspace: 0x02,
  /** u48 LSN, u16 part, u8 whether it is the last part, then the part as the log stores it under workspace number 0. */
  snapshot: 0x03,
  /** u48 first LSN, then the segment as the log stores it under workspace number 0. */
  segment: 0x04,
  /** JSON: idempotency keys of records that were dropped, with their LSNs. */
  keys: 0x05,
  /** JSON: ends a workspace, with the numbers of its records and snapshots. */
  workspaceEnd: 0x06,
  /** JSON: ends a workspace that could not be read on, with the reason. The chunks before it are of no use. */
  workspaceDamaged: 0x07,
  /** SHA-256 of everything before this chunk, which is the last of the archive. */
  end: 0xff,
} as const

export interface Chunk {
  readonly kind: number
  readonly payload: Buffer
  /** Offset in the archive at which the chunk begins. */
  readonly offset: number
}

/**
 * Frames chunks. Each checksum covers the one before it, so that a chunk that is left out, repeated or exchanged is
 * noticed.
 */
export class ChunkWriter {
  #crc = 0
  readonly #hash: Hash = createHash('sha256')
  readonly #magic: Uint8Array

  /** For a file of another kind than an archive, with first bytes of its own. */
  constructor(magic: string = ARCHIVE) {
    this.#magic = Buffer.from(magic)
  }

  /** First bytes of the file. */
  begin(): Uint8Array {
    this.#hash.update(this.#magic)
    this.#crc = crc32(this.#magic)
    return this.#magic
  }

  chunk(kind: number, payload: Uint8Array): Uint8Array {
    const bytes = this.#frame(kind, payload)
    this.#hash.update(bytes)
    return bytes
  }

  json(kind: number, value: unknown): Uint8Array {
    return this.chunk(kind, Buffer.from(JSON.stringify(value)))
  }

  end(): Uint8Array {
    return this.#frame(CHUNK.end, this.#hash.digest())
  }

  #frame(kind: number, payload: Uint8Array): Uint8Array {
    const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.byteLength + CRC_BYTES)
    bytes[0] = kind
    bytes.writeUInt32BE(payload.byteLength, 1)
    bytes.set(payload, HEAD_BYTES)
    const end = bytes.byteLength - CRC_BYTES
    this.#crc = crc32(bytes.subarray(0, end), this.#crc)
    bytes.writeUInt32BE(this.#crc, end)
    return bytes
  }
}

/**
 * The chunks of an archive, without its last one, which is checked. Throws `corrupted`, naming the byte, as soon as
 * damage is met.
 */
export async function* readChunks(
  source: AsyncIterable<Uint8Array>,
  expected: string = ARCHIVE,
): AsyncGenerator<Chunk> {
  const reader = new Pieces(source)
  const hash = createHash('sha256')
  const magic = await reader.takeUpTo(expected.length)
  if (!expected.startsWith(magic.toString('latin1'))) {
    throw damagedArchive(0, 'it is none of joinery’s archives, or one of a later version')
  }
  if (magic.length < expected.length) throw damagedArchive(magic.length, 'it is cut short')
  hash.update(magic)
  let crc = crc32(magic)
  for (;;) {
    const { offset } = reader
    const head = await reader.take(HEAD_BYTES)
    const kind = head[0] as number
    const length = head.readUInt32BE(1)
    if (length > PAYLOAD_BYTES_MAX) throw damagedArchive(offset, `a chunk claims ${length} bytes`)
    const payload = await reader.take(length)
    const checksum = await reader.take(CRC_BYTES)
    crc = crc32(payload, crc32(head, crc))
    if (checksum.readUInt32BE(0) !== crc) throw damagedArchive(offset, 'a chunk does not match its checksum')
    if (kind === CHUNK.end) {
      if (length !== DIGEST_BYTES || !payload.equals(hash.digest())) {
        throw damagedArchive(offset, 'it does not match its last checksum')
      }
      if (!(await reader.isAtEnd())) throw damagedArchive(reader.offset, 'bytes follow its end')
      return
    }
    for (const part of [head, payload, checksum]) hash.update(part)
    yield { kind, payload, offset }
  }
}

export function damagedArchive(offset: number, reason: string, cause?: unknown): LogError {
  return new LogError('corrupted', `the archive is damaged at byte ${offset}: ${reason}`, { cause })
}

/** Reads a stream in pieces of any length that its reader asks for. */
class Pieces {
  /** Bytes read so far. */
  offset = 0
  readonly #source: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Exactly `length` bytes. Throws `corrupted` if the stream ends before. */
  async take(length: number): Promise<Buffer> {
    const all = await this.takeUpTo(length)
    if (all.length < length) throw damagedArchive(this.offset, 'it is cut short')
    return all
  }

  /** Up to `length` bytes: fewer if the stream ends. */
  async takeUpTo(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [this.#rest]
    let bytes = this.#rest.length
    while (bytes < length) {
      const { done, value } = await this.#source.next()
      if (done) break
      pieces.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
      bytes += value.byteLength
    }
    const all = pieces.length === 1 ? this.#rest : Buffer.concat(pieces, bytes)
    const taken = all.subarray(0, length)
    this.#rest = all.subarray(taken.length)
    this.offset += taken.length
    return taken
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#source.next()
      if (done) return true
      this.#rest = Buffer.from(value)
    }
    return false
  }
}
