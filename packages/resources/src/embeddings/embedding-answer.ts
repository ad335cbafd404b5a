import { ResourceError } from '../resource-error.ts'

/** Most dimensions of a vector: more than any known model has. */
export const DIMENSIONS_MAX = 16_384

/** The number of vectors that a call asked for, and their dimensions if they are known. */
export interface Wanted {
  readonly count: number
  readonly dimensions: number | undefined
}

/**
 * Reads the answer of `POST /v1/embeddings`: one vector of length 1 for each input, in the order of the inputs. A vector may be a list of
 * numbers, or 32-bit floats in base64. Throws `bad_answer` ({@link ResourceError}) if one is missing, comes twice, has other dimensions than
 * the rest, or holds anything but finite numbers.
 */
export function readEmbeddings(answer: unknown, { count, dimensions }: Wanted): Float32Array[] {
  const data: unknown = isObject(answer) ? answer.data : undefined
  if (!Array.isArray(data)) throw bad('has no list "data"')
  if (data.length !== count) throw bad(`has ${data.length} vectors for ${count} texts`)
  const vectors: Float32Array[] = []
  let length = dimensions
  for (const item of data as unknown[]) {
    const { index, embedding }: Record<string, unknown> = isObject(item) ? item : {}
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count)
      throw bad(`has an "index" that is none of 0 to ${count - 1}`)
    if (vectors[index] !== undefined) throw bad(`has the index ${index} twice`)
    const vector = vectorOf(embedding, index)
    length ??= vector.length
    if (vector.length !== length) throw bad(`has ${vector.length} dimensions at index ${index}, and not ${length}`)
    vectors[index] = ofLengthOne(vector, index)
  }
  return vectors
}

function vectorOf(embedding: unknown, index: number): Float32Array {
  if (typeof embedding === 'string') return fromBase64(embedding, index)
  if (!Array.isArray(embedding) || embedding.length === 0) throw bad(`has no vector at index ${index}`)
  if (embedding.length > DIMENSIONS_MAX) throw bad(`has more than ${DIMENSIONS_MAX} dimensions`)
  if (!embedding.every((value) => typeof value === 'number')) throw bad(`has no number at index ${index}`)
  return Float32Array.from(embedding as number[])
}

function fromBase64(text: string, index: number): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  const size = Float32Array.BYTES_PER_ELEMENT
  // Node leaves out what is no base64: the length says whether it did.
  const isWhole = bytes.length === Math.floor((text.replace(/=+$/, '').length * 3) / 4)
  if (!isWhole || bytes.length === 0 || bytes.length % size !== 0)
    throw bad(`has no floats in base64 at index ${index}`)
  if (bytes.length > DIMENSIONS_MAX * size) throw bad(`has more than ${DIMENSIONS_MAX} dimensions`)
  // Little-endian, whatever this machine has.
  return Float32Array.from({ length: bytes.length / size }, (_, at) => bytes.readFloatLE(at * size))
}

function ofLengthOne(vector: Float32Array, index: number): Float32Array {
  let sum = 0
  for (const value of vector) sum += value * value
  if (!Number.isFinite(sum)) throw bad(`has a number that is not finite at index ${index}`)
  const length = Math.sqrt(sum)
  return length === 0 ? vector : vector.map((value) => value / length)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function bad(what: string): ResourceError {
  return new ResourceError('bad_answer', `the answer of the embedding service ${what}`)
}
