import { createHash } from 'node:crypto'

/** Vectors of texts, by the hash of each text. */
export type Vectors = ReadonlyMap<string, Float32Array>

const MAGIC = 'joinery vectors 1'
const HASH_BYTES = 16
const SUM_BYTES = 32

/** Names a text in a file of vectors: 32 hexadecimal digits. */
export function hashOfText(text: string): string {
  return createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, HASH_BYTES * 2)
}

/** The bytes of a file: a line with the amounts, the hash of the rest, then each text's hash and its vector, little-endian. */
export function encodeVectors(vectors: Vectors): Buffer {
  const dimensions = vectors.values().next().value?.length ?? 0
  const size = HASH_BYTES + dimensions * 4
  const rest = Buffer.alloc(vectors.size * size)
  let at = 0
  for (const [hash, vector] of vectors) {
    if (vector.length !== dimensions) throw new RangeError('the vectors of a file must have equal dimensions')
    rest.write(hash, at, 'hex')
    for (const [index, value] of vector.entries()) rest.writeFloatLE(value, at + HASH_BYTES + index * 4)
    at += size
  }
  return Buffer.concat([Buffer.from(`${MAGIC} ${vectors.size} ${dimensions}\n`), sumOf(rest), rest])
}

/** The vectors of a file; undefined for bytes that are no whole file of this version. */
export function decodeVectors(bytes: Buffer): Map<string, Float32Array> | undefined {
  const end = bytes.subarray(0, 100).indexOf('\n')
  const [, count, dimensions] =
    new RegExp(`^${MAGIC} (\\d{1,9}) (\\d{1,5})$`).exec(bytes.toString('latin1', 0, end)) ?? []
  if (count === undefined) return undefined
  const size = HASH_BYTES + Number(dimensions) * 4
  const rest = bytes.subarray(end + 1 + SUM_BYTES)
  if (rest.length !== Number(count) * size) return undefined
  if (!sumOf(rest).equals(bytes.subarray(end + 1, end + 1 + SUM_BYTES))) return undefined
  const vectors = new Map<string, Float32Array>()
  for (let at = 0; at < rest.length; at += size) {
    const vector = Float32Array.from({ length: Number(dimensions) }, (_, index) =>
      rest.readFloatLE(at + HASH_BYTES + index * 4),
    )
    vectors.set(rest.toString('hex', at, at + HASH_BYTES), vector)
  }
  return vectors
}

function sumOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
