import { crc32c, maskCrc32c } from './crc32c.ts'
import { unpackSnappy } from './snappy.ts'
import { type Handle, VarintReader } from './varint-reader.ts'
import type { FileDamage } from './write-ahead-log.ts'

/** LevelDB's table format (doc/table_format.md of google/leveldb): blocks, an index of them, and a footer. */
const FOOTER_BYTES = 48
const HANDLES_BYTES = 40
const MAGIC = 0xdb4775248b80fb57n
/** Trailer of each block: kind of compression, and checksum. */
const TRAILER_BYTES = 5
const COMPRESSION = { none: 0, snappy: 1 } as const
/** Largest block: it holds at least one entry, and one value can have 256 MiB. */
const BLOCK_BYTES_MAX = 512 * 1024 * 1024

/**
 * Checks every byte of a table that LevelDB would read: each block against its checksum, and that the blocks of the
 * index fill the file. LevelDB checks no checksum when it reads, and may abort the process on such damage.
 */
export function checkTable(bytes: Buffer): FileDamage[] {
  if (bytes.length < FOOTER_BYTES) return [{ offset: 0, reason: `a table of ${bytes.length} bytes has no footer` }]
  const footerOffset = bytes.length - FOOTER_BYTES
  const footer = bytes.subarray(footerOffset)
  if (footer.readBigUInt64LE(HANDLES_BYTES) !== MAGIC) {
    return [{ offset: footerOffset + HANDLES_BYTES, reason: 'the footer is not that of a table' }]
  }
  let metaindex: Handle
  let index: Handle
  let blocks: Handle[]
  const damages: FileDamage[] = []
  const check = (handle: Handle): Buffer | undefined => {
    const block = blockAt(bytes, handle)
    if (block === undefined) damages.push({ offset: handle.offset, reason: 'a block does not match its checksum' })
    return block
  }
  try {
    const reader = new VarintReader(footer.subarray(0, HANDLES_BYTES))
    metaindex = reader.handle()
    index = reader.handle()
    if (!reader.restIsZero()) throw new RangeError('the footer is not that of a table')
    const meta = check(metaindex)
    const entries = check(index)
    if (meta === undefined || entries === undefined) return damages
    blocks = [...handlesOf(unpack(meta)), ...handlesOf(unpack(entries))]
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return [...damages, { offset: footerOffset, reason: error.message }]
  }
  for (const block of blocks) check(block)
  return [...damages, ...gaps([...blocks, metaindex, index], footerOffset)]
}

/**
 * Contents and kind of compression of a block; undefined if its checksum does not match. Throws a RangeError past the
 * end.
 */
function blockAt(bytes: Buffer, { offset, size }: Handle): Buffer | undefined {
  const end = offset + size + TRAILER_BYTES
  if (end > bytes.length - FOOTER_BYTES) throw new RangeError('a block lies past the end of the table')
  const block = bytes.subarray(offset, end - 4)
  return maskCrc32c(crc32c(block)) === bytes.readUInt32LE(end - 4) ? block : undefined
}

function unpack(block: Buffer): Uint8Array {
  const kind = block[block.length - 1]
  const contents = block.subarray(0, -1)
  if (kind === COMPRESSION.none) return contents
  if (kind === COMPRESSION.snappy) return unpackSnappy(contents, BLOCK_BYTES_MAX)
  throw new RangeError(`a block has an unknown kind of compression (${kind})`)
}

/** The handles in an index block, which are the values of its entries. Keys are skipped. */
function handlesOf(block: Uint8Array): Handle[] {
  const view = Buffer.from(block.buffer, block.byteOffset, block.byteLength)
  if (view.length < 4) throw new RangeError('an index has no restart points')
  const end = view.length - 4 - 4 * view.readUInt32LE(view.length - 4)
  if (end < 0) throw new RangeError('an index has more restart points than bytes')
  const reader = new VarintReader(view.subarray(0, end))
  const handles: Handle[] = []
  while (!reader.isAtEnd) {
    reader.varint()
    const keyBytes = reader.varint()
    const valueBytes = reader.varint()
    reader.skip(keyBytes)
    const value = reader.offset
    handles.push(reader.handle())
    if (reader.offset !== value + valueBytes) throw new RangeError('an entry of an index is no handle')
  }
  return handles
}

/** Bytes before `end` that belong to no block. */
function gaps(handles: readonly Handle[], end: number): FileDamage[] {
  const damages: FileDamage[] = []
  let reached = 0
  for (const { offset, size } of [...handles].sort((a, b) => a.offset - b.offset)) {
    if (offset !== reached)
      damages.push({ offset: reached, reason: `a block is missing from the index before ${offset}` })
    reached = offset + size + TRAILER_BYTES
  }
  if (reached !== end) damages.push({ offset: reached, reason: `bytes up to ${end} belong to no block` })
  return damages
}
