/** Name of {@link embed} for people, who should not take it for more than it is. */
export const HASHED_NGRAMS = 'hashed n-grams, not a language model'

/** Number of buckets: enough that the pieces of a passage seldom share one, few enough that 1,000 passages take 4 MB. */
export const NGRAM_DIMENSIONS = 1_024
const GRAM_LENGTHS = [3, 4]
/** Weight of a whole word, which tells more than a piece of it (weight 1). */
const WORD_WEIGHT = 2
/** Length up to which a word is short, such as "the". A short word tells little: it counts only as a whole, at half. */
const SHORT_LENGTH_MAX = 3
const SHORT_WEIGHT = 0.5

/**
 * Makes a vector of length 1 from a text, or zeros if it has no letter or digit. The vector counts the text's words and
 * their 3- and 4-letter pieces, hashed into buckets. Each piece has a sign, so that colliding pieces cancel out instead of
 * adding up. Words with the same stem, or with a typing error, share most pieces.
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
  const vector = new Float32Array(NGRAM_DIMENSIONS)
  for (const [gram, weight] of counts) {
    const hash = fnv1a(gram)
    const bucket = hash % NGRAM_DIMENSIONS
    // The square root, so that a word that occurs ten times does not outweigh the others.
    vector[bucket] = (vector[bucket] ?? 0) + (hash >>> 31 === 1 ? -1 : 1) * Math.sqrt(weight)
  }
  return normalized(vector)
}

/** Cosine of two vectors of {@link embed}: 1 for the same words, about 0 without a common word. */
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
