import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { LogError } from '../log-error.ts'

/** First bytes of every archive; the number is its version. */
const ARCHIVE = 'JOINERY ARCHIVE 1\n'
/** Kind and length. */
const HEAD_BYTES = 5
const CRC_BYTES = 4
const DIGEST_BYTES = 32
/** A segment holds at most one update of 256 MiB, or many small ones; parts of snapshots are 1 MiB. */
const PAYLOAD_BYTES_MAX = 384 * 1024 * 1024

/** A chunk's first byte: in archives for good. Add, never reuse. */
export const CHUNK = {
  /** JSON: {@link ArchiveHead}. */
  head: 0x01,
  /** JSON: begins a workspace. */
  workspace: 0x02,
  /** u48 LSN, u16 part, u8 whether it is the last, and that part of the snapshot as the log stores it under workspace number 0. */
  snapshot: 0x03,
  /** u48 first LSN, segment of records as the log stores it under workspace number 0. */
  segment: 0x04,
  /** JSON: idempotency keys of records that were dropped, with their LSNs. */
  keys: 0x05,
  /** JSON: ends a workspace, with what was counted. */
  workspaceEnd: 0x06,
  /** JSON: ends a workspace that could not be read on, and says why; what came of it is of no use. */
  workspaceDamaged: 0x07,
  /** SHA-256 of everything before this chunk: the archive ends with it. */
  end: 0xff,
} as const

export interface Chunk {
  readonly kind: number
  readonly payload: Buffer
  /** Where in the archive it begins. */
  readonly offset: number
}

/** Frames chunks. Each checksum covers the one before it: chunks can't be left out, repeated or exchanged unnoticed. */
export class ChunkWriter {
  #crc = 0
  readonly #hash: Hash = createHash('sha256')
  readonly #magic: Uint8Array

  /** Of another kind of file than an archive, with first bytes of its own. */
  constructor(magic: string = ARCHIVE) {
    this.#magic = Buffer.from(magic)
  }

  /** What the file begins with. */
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

/** The chunks of an archive but for its end, which is checked. Throws `corrupted`, naming the byte, as soon as it can be told. */
export async function* readChunks(
  source: AsyncIterable<Uint8Array>,
  expected: string = ARCHIVE,
): AsyncGenerator<Chunk> {
  const reader = new Pieces(source)
  const hash = createHash('sha256')
  const magic = await reader.takeUpTo(expected.length)
  if (!expected.startsWith(magic.toString('latin1'))) {
    throw damagedArchive(0, 'it is none of joinery’s, or one of a later version')
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

/** Cuts a stream as its reader wants it. */
class Pieces {
  /** Bytes taken so far. */
  offset = 0
  readonly #source: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Exactly so many bytes. Throws `corrupted` where the stream ends before. */
  async take(length: number): Promise<Buffer> {
    const all = await this.takeUpTo(length)
    if (all.length < length) throw damagedArchive(this.offset, 'it is cut short')
    return all
  }

  /** So many bytes, or what is left of the stream. */
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
