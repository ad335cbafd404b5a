/** What the vectors are, for a person: nobody should take them for more. */
export const EMBEDDING = 'hashed n-grams, not a language model'

/** Buckets. Enough that the pieces of one passage seldom meet in one, small enough that a thousand passages are 4 MB. */
export const DIMENSIONS = 1_024
const GRAM_LENGTHS = [3, 4]
/** A whole word tells more than any piece of it, */
const WORD_WEIGHT = 2
/** and words as short as "the" tell little: they count as a whole, at half. */
const SHORT_LENGTH_MAX = 3
const SHORT_WEIGHT = 0.5

/**
 * A text as a vector of length 1 (or all zeros where there is no letter or digit): counts of its words and of their
 * 3- and 4-letter pieces, hashed into buckets with a sign, so that what collides cancels rather than adds up. Words that
 * share a stem, or differ by a slip of the finger, share most pieces.
 */
export function embed(text: string): Float32Array {
  const counts = new Map<string, number>()
  const count = (gram: string, weight: number): void => {
    counts.set(gram, (counts.get(gram) ?? 0) + weight)
  }
  for (const word of text
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? []) {
    const letters = [...`^${word}$`]
    if (letters.length - 2 <= SHORT_LENGTH_MAX) {
      count(word, SHORT_WEIGHT)
      continue
    }
    count(word, WORD_WEIGHT)
    for (const length of GRAM_LENGTHS) {
      for (let at = 0; at + length <= letters.length; at++) count(letters.slice(at, at + length).join(''), 1)
    }
  }
  const vector = new Float32Array(DIMENSIONS)
  for (const [gram, weight] of counts) {
    const hash = fnv1a(gram)
    const bucket = hash % DIMENSIONS
    // The root, so that a word said ten times does not drown the others.
    vector[bucket] = (vector[bucket] ?? 0) + (hash >>> 31 === 1 ? -1 : 1) * Math.sqrt(weight)
  }
  return normalized(vector)
}

/** Cosine of two vectors of {@link embed}: 1 for the same words, about 0 for none in common. */
export function similarity(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

function normalized(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  return length === 0 ? vector : vector.map((value) => value / length)
}

/** FNV-1a over UTF-16 code units, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
