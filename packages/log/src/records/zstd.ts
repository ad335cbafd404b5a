import { promisify } from 'node:util'
import { constants, type ZstdOptions, zstdCompress, zstdDecompress, zstdDecompressSync } from 'node:zlib'

// The promise versions run on the threads of libuv: packing megabytes must not hold up the edits of others.
const compress = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress)
const decompress = promisify<Uint8Array, ZstdOptions, Buffer>(zstdDecompress)

/** Largest window that every zstd decoder accepts without being told. */
const WINDOW_LOG_MAX = 27
const WINDOW_LOG_MIN = 10
/**
 * zstd looks at the last part of a base only: eight times as many bytes as its hash table has entries. That is 1 MiB by
 * default (2^17 entries), so that the difference from a larger state was nearly the whole state. 2^22 entries cover a
 * base of 32 MiB and take 16 MiB of memory.
 */
const HASH_LOG_MIN = 17
const HASH_LOG_MAX = 22

/** Compresses off the main thread. With `base`, only the difference from it is kept. */
export function pack(bytes: Uint8Array, base?: Uint8Array): Promise<Buffer> {
  // Without the size, zstd makes and clears tables for megabytes, which takes longer than packing a small state.
  if (base === undefined) return compress(bytes, { pledgedSrcSize: bytes.byteLength })
  const seen = bytes.byteLength + base.byteLength
  const windowLog = Math.min(WINDOW_LOG_MAX, Math.max(WINDOW_LOG_MIN, Math.ceil(Math.log2(seen + 1))))
  const hashLog = Math.min(HASH_LOG_MAX, Math.max(HASH_LOG_MIN, Math.ceil(Math.log2(base.byteLength + 1)) - 3))
  const params = { [constants.ZSTD_c_windowLog]: windowLog, [constants.ZSTD_c_hashLog]: hashLog }
  return compress(bytes, { params, dictionary: base })
}

const CHUNK_BYTES_MAX = 16 * 1024 * 1024

/**
 * Options for zlib when the unpacked length is known: zlib allocates it at once instead of 16 KiB in each turn of the
 * event loop.
 */
export function unpackOptions(length: number): ZstdOptions {
  // One byte more than needed: zlib takes a full chunk as a sign that more follows.
  const chunkSize = Math.max(constants.Z_MIN_CHUNK, Math.min(CHUNK_BYTES_MAX, length + 1))
  return { chunkSize, maxOutputLength: Math.max(1, length) }
}

/**
 * Up to this many bytes unpacking stays on the main thread. Another thread costs several times as much for a few KiB,
 * and half as much again as the 0.9 ms that everybody waits for 300 KiB (measured), also when 1,000 rooms start.
 */
const AT_ONCE_BYTES_MAX = 512 * 1024

/**
 * Undoes {@link pack} with the same `base`. Large inputs are unpacked off the main thread. Throws a RangeError unless
 * the result has exactly `length` bytes.
 */
export async function unpack(packed: Uint8Array, length: number, base?: Uint8Array): Promise<Buffer> {
  const options = { ...unpackOptions(length), ...(base && { dictionary: base }) }
  const isLittle = length + (base?.byteLength ?? 0) <= AT_ONCE_BYTES_MAX
  const bytes = isLittle ? zstdDecompressSync(packed, options) : await decompress(packed, options)
  if (bytes.byteLength !== length) throw new RangeError(`it unpacks to ${bytes.byteLength} of ${length} bytes`)
  return bytes
}
