/**
 * SHA-256 (FIPS 180-4). It is synchronous, unlike the platform's digest, since a block is created synchronously. The constants
 * are computed as the standard defines them: as literals they would add a kilobyte that doesn't compress to every page.
 */
export function sha256(message: Uint8Array): Uint8Array {
  const length = message.length
  // The padding: a bit, zeros, and the length in bits, up to a whole number of blocks.
  const padded = new Uint8Array(((length + 72) >> 6) << 6)
  padded.set(message)
  padded[length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(length / 2 ** 29))
  view.setUint32(padded.length - 4, length << 3)
  const hash = Uint32Array.from(INITIAL)
  const words = new Uint32Array(64)
  for (let offset = 0; offset < padded.length; offset += 64) {
    for (let index = 0; index < 16; index++) words[index] = view.getUint32(offset + 4 * index)
    compress(hash, words)
  }
  const digest = new DataView(new ArrayBuffer(32))
  for (let index = 0; index < 8; index++) digest.setUint32(4 * index, wordAt(hash, index))
  return new Uint8Array(digest.buffer)
}

function compress(hash: Uint32Array, words: Uint32Array): void {
  for (let index = 16; index < 64; index++) {
    const early = wordAt(words, index - 15)
    const late = wordAt(words, index - 2)
    const small0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3)
    const small1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10)
    words[index] = wordAt(words, index - 16) + small0 + wordAt(words, index - 7) + small1
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash
  for (let index = 0; index < 64; index++) {
    const large0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const large1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const first = (h + large1 + ((e & f) ^ (~e & g)) + wordAt(ROUND, index) + wordAt(words, index)) | 0
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + large0 + ((b & c) ^ (b & d) ^ (c & d))) | 0
  }
  const added = [a, b, c, d, e, f, g, h]
  for (let index = 0; index < 8; index++) hash[index] = wordAt(hash, index) + (added[index] as number)
}

const wordAt = (words: Uint32Array, index: number): number => words[index] as number

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits))
}

/** The first 32 bits of the fractional parts of the `root`s of the first `count` primes. */
function fractionsOf(root: (prime: number) => number, count: number): Uint32Array {
  const primes: number[] = []
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate)
  }
  return Uint32Array.from(primes, (prime) => (root(prime) % 1) * 2 ** 32)
}

const INITIAL = fractionsOf(Math.sqrt, 8)
const ROUND = fractionsOf(Math.cbrt, 64)

/** The digest of a message that comes in pieces. {@link digest} ends it. */
export class Sha256 {
  readonly #hash = Uint32Array.from(INITIAL)
  readonly #words = new Uint32Array(64)
  /** Bytes of a block that is not full. */
  readonly #rest = new Uint8Array(64)
  #length = 0

  update(bytes: Uint8Array): this {
    let at = 0
    const filled = this.#length % 64
    this.#length += bytes.length
    if (filled > 0) {
      at = Math.min(64 - filled, bytes.length)
      this.#rest.set(bytes.subarray(0, at), filled)
      if (filled + at < 64) return this
      this.#compress(new DataView(this.#rest.buffer), 0)
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (; at + 64 <= bytes.length; at += 64) this.#compress(view, at)
    this.#rest.set(bytes.subarray(at))
    return this
  }

  /** 32 bytes. */
  digest(): Uint8Array {
    const length = this.#length
    // As above, up to a whole number of blocks; beyond 2^31 bytes a shift would lose bits.
    const padding = new Uint8Array(Math.ceil((length + 9) / 64) * 64 - length)
    padding[0] = 0x80
    const view = new DataView(padding.buffer)
    view.setUint32(padding.length - 8, Math.floor(length / 2 ** 29))
    view.setUint32(padding.length - 4, (length * 8) % 2 ** 32)
    this.update(padding)
    const digest = new DataView(new ArrayBuffer(32))
    for (let index = 0; index < 8; index++) digest.setUint32(4 * index, wordAt(this.#hash, index))
    return new Uint8Array(digest.buffer)
  }

  #compress(view: DataView, at: number): void {
    for (let index = 0; index < 16; index++) this.#words[index] = view.getUint32(at + 4 * index)
    compress(this.#hash, this.#words)
  }
}
