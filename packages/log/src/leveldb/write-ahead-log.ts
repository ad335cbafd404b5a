import { crc32c, maskCrc32c } from './crc32c.ts'

/** LevelDB's log format (doc/log_format.md of google/leveldb): blocks, each a row of framed pieces of batches. */
const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
const PIECE = { none: 0, full: 1, first: 2, middle: 3, last: 4 } as const

/** Damage at one place of a file. */
export interface FileDamage {
  readonly offset: number
  readonly reason: string
}

/** The batches of a file in LevelDB's log format, and where it is damaged. */
export interface LogFile {
  readonly batches: readonly Uint8Array[]
  readonly damages: readonly FileDamage[]
  /** Bytes of an unfinished write at the end: a killed process leaves one, and it was never acknowledged. */
  readonly cutBytes: number
  /** End of the last batch before which nothing is damaged. */
  readonly intactBytes: number
}

/**
 * Reads a whole `.log` or `MANIFEST` and says where it is damaged: LevelDB drops damaged parts silently. A damaged
 * length in the last write looks like an unfinished write, unless the checksum fits some shorter length.
 */
export function readLogFile(bytes: Buffer): LogFile {
  const batches: Uint8Array[] = []
  const damages: FileDamage[] = []
  let pieces: Uint8Array[] | undefined
  /** Set after damage: the rest of the damaged write is lost too, and not reported again. */
  let isResuming = false
  let intactBytes = 0
  let offset = 0
  const damaged = (reason: string): void => {
    damages.push({ offset, reason })
    pieces = undefined
    isResuming = true
  }
  while (offset < bytes.length) {
    const blockEnd = offset - (offset % BLOCK_BYTES) + BLOCK_BYTES
    if (blockEnd - offset < HEADER_BYTES) {
      if (!isZero(bytes.subarray(offset, blockEnd))) damaged('the padding of a block is not empty')
      offset = blockEnd
      continue
    }
    const end = Math.min(blockEnd, bytes.length)
    if (isZero(bytes.subarray(offset, end))) {
      if (end < bytes.length) damaged('a block has an empty stretch before its end')
      offset = end
      continue
    }
    if (bytes.length - offset < HEADER_BYTES) return { batches, damages, intactBytes, cutBytes: bytes.length - offset }
    const checksum = bytes.readUInt32LE(offset)
    const length = bytes.readUInt16LE(offset + 4)
    const type = bytes[offset + 6] as number
    const start = offset + HEADER_BYTES
    if (start + length > bytes.length && end === bytes.length && start + length <= blockEnd) {
      const written = fittingLength(bytes.subarray(offset + 6, end), checksum)
      if (written === undefined) return { batches, damages, intactBytes, cutBytes: bytes.length - offset }
      damaged(`a write claims ${length} bytes, and its checksum fits ${written}`)
      return { batches, damages, intactBytes, cutBytes: 0 }
    }
    if (start + length > blockEnd) {
      damaged(`a write claims ${length} bytes, past the end of its block`)
      offset = blockEnd
      continue
    }
    if (maskCrc32c(crc32c(bytes.subarray(offset + 6, start + length))) !== checksum) {
      damaged('a write does not match its checksum, so LevelDB drops it and the rest of its block')
      offset = blockEnd
      continue
    }
    const piece = bytes.subarray(start, start + length)
    if (type === PIECE.full || type === PIECE.first) {
      if (pieces !== undefined) damaged('a write has no end')
      pieces = [piece]
      isResuming = false
    } else if (type !== PIECE.middle && type !== PIECE.last) damaged(`a write is of unknown kind ${type}`)
    else if (pieces !== undefined) pieces.push(piece)
    else if (!isResuming) damaged('a write has no beginning')
    if ((type === PIECE.full || type === PIECE.last) && pieces !== undefined) {
      batches.push(Buffer.concat(pieces))
      pieces = undefined
      if (damages.length === 0) intactBytes = start + length
    }
    offset = start + length
  }
  const cutBytes = pieces === undefined ? 0 : pieces.reduce((sum, { length }) => sum + length, 0)
  return { batches, damages, intactBytes, cutBytes }
}

/**
 * Whether a write begins behind `from` whose first piece is whole; at `from` itself a write counts only if it has a
 * single piece. Looks at every byte, since a damaged length hides where the next write begins.
 */
export function hasWriteBehind(bytes: Buffer, from: number): boolean {
  for (let offset = from; offset + HEADER_BYTES <= bytes.length; offset++) {
    const type = bytes[offset + 6]
    if (type !== PIECE.full && (type !== PIECE.first || offset === from)) continue
    const end = offset + HEADER_BYTES + bytes.readUInt16LE(offset + 4)
    if (end > bytes.length || end > offset - (offset % BLOCK_BYTES) + BLOCK_BYTES) continue
    if (maskCrc32c(crc32c(bytes.subarray(offset + 6, end))) === bytes.readUInt32LE(offset)) return true
  }
  return false
}

/** The length at which type and bytes match their checksum; undefined if there is none. */
function fittingLength(kindAndBytes: Buffer, checksum: number): number | undefined {
  let crc = 0
  for (let index = 0; index < kindAndBytes.length; index++) {
    crc = crc32c(kindAndBytes.subarray(index, index + 1), crc)
    if (maskCrc32c(crc) === checksum) return index
  }
  return undefined
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
