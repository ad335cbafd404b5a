import { promisify } from 'node:util'
import { constants, type ZstdOptions, zstdCompress, zstdDecompress, zstdDecompressSync } from 'node:zlib'

// The promises of these run on libuv's threads: a state of megabytes must not hold up everyone's edits.
const compress = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress)
const decompress = promisify<Uint8Array, ZstdOptions, Buffer>(zstdDecompress)

/** What any zstd decoder accepts unasked. */
const WINDOW_LOG_MAX = 27
const WINDOW_LOG_MIN = 10
/**
 * Of a base zstd looks at as many bytes as eight times its table of places has entries, which as a rule are 2^17, and at
 * the last ones: of a state that has grown beyond 1 MiB the difference was nearly the whole. 2^22 are 16 MiB of memory, for a
 * base of 32 MiB.
 */
const HASH_LOG_MIN = 17
const HASH_LOG_MAX = 22

/** Compresses off the main thread; with `base`, as what is different from it. */
export function pack(bytes: Uint8Array, base?: Uint8Array): Promise<Buffer> {
  if (base === undefined) return compress(bytes, {})
  const seen = bytes.byteLength + base.byteLength
  const windowLog = Math.min(WINDOW_LOG_MAX, Math.max(WINDOW_LOG_MIN, Math.ceil(Math.log2(seen + 1))))
  const hashLog = Math.min(HASH_LOG_MAX, Math.max(HASH_LOG_MIN, Math.ceil(Math.log2(base.byteLength + 1)) - 3))
  const params = { [constants.ZSTD_c_windowLog]: windowLog, [constants.ZSTD_c_hashLog]: hashLog }
  return compress(bytes, { params, dictionary: base })
}

const CHUNK_BYTES_MAX = 16 * 1024 * 1024

/** What zlib is told of bytes that come to `length`: it makes them at once, instead of 16 KiB at a time in a turn for each. */
export function unpackOptions(length: number): ZstdOptions {
  // A byte more, since a chunk that is full is taken for a sign that there is another.
  const chunkSize = Math.max(constants.Z_MIN_CHUNK, Math.min(CHUNK_BYTES_MAX, length + 1))
  return { chunkSize, maxOutputLength: Math.max(1, length) }
}

/**
 * Up to this another thread is not woken: for a few KiB that costs several times what unpacking does, in a start of 1,000
 * rooms too, and for 300 KiB half as much again as the 0.9 ms that everybody waits (measured).
 */
const AT_ONCE_BYTES_MAX = 512 * 1024

/**
 * Undoes {@link pack} given the same `base`, off the main thread if there is much of it. Throws a RangeError unless it comes
 * to exactly `length` bytes.
 */
export async function unpack(packed: Uint8Array, length: number, base?: Uint8Array): Promise<Buffer> {
  const options = { ...unpackOptions(length), ...(base && { dictionary: base }) }
  const isLittle = length + (base?.byteLength ?? 0) <= AT_ONCE_BYTES_MAX
  const bytes = isLittle ? zstdDecompressSync(packed, options) : await decompress(packed, options)
  if (bytes.byteLength !== length) throw new RangeError(`${bytes.byteLength} of ${length} bytes`)
  return bytes
}
