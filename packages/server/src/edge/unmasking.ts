import { endianness } from 'node:os'

/** Bytes of the shortest payload that is unmasked by words: for fewer, to make the view of words costs more than it saves. */
const WORDS_FROM = endianness() === 'LE' ? 64 : Number.POSITIVE_INFINITY

/** Bytes of a part of a message, on average. `ws` takes some µs for each part, however small, and nobody is told of one. */
const PART_BYTES = 1024
/** Bytes that the parts of a connection may fall short of that, in all: of 256 empty parts. Software splits long messages, and none of typing. */
const PARTS_SHORT_MAX = 256 * PART_BYTES
/** Bits of a frame's first byte: the last part of a message, and what the frame is. A part behind the first has none of the second. */
const IS_LAST = 0x80
const OPCODE = 0x0f
/** First byte of a frame that `ws` ends the connection for. */
const NO_FRAME = 0xff

/**
 * Unmasks the frames of one connection (RFC 6455, 5.3) while their bytes arrive. `ws` would unmask a frame when all of it is here, byte by
 * byte: 64 MiB took half a second of one turn of the event loop. It leaves a frame as it is whose mask is zero.
 */
export class Unmasking {
  /** Bytes of the frame's header that have come, and those of its length behind the first two. */
  #headerBytes = 0
  #lengthBytes = 0
  #length = 0
  /** The next four bytes of the mask, the first one lowest. */
  #mask = 0
  /** Bytes of the frame's payload that have not come. */
  #left = 0
  /** True after a frame without a mask: `ws` ends the connection. */
  #isOver = false
  /** True while a header is read of a part between the first and the last of its message. */
  #isMiddlePart = false
  /** Bytes by which such parts have been too small so far. */
  #shortBytes = 0

  /** True once messages came in too many small parts. The bytes behind are no frames any more: `ws` would read each of them. */
  get isTooFine(): boolean {
    return this.#shortBytes > PARTS_SHORT_MAX
  }

  /** Unmasks the next bytes of the connection in place, and makes the masks in them zero. */
  unmask(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.#isOver; ) {
      at = this.#left > 0 ? this.#takePayload(bytes, at) : this.#takeHeader(bytes, at)
      if (this.isTooFine) bytes.fill(NO_FRAME, at)
    }
  }

  #takePayload(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + this.#left)
    this.#mask = unmaskPart(bytes, from, end, this.#mask)
    this.#left -= end - from
    return end
  }

  /** Reads one byte of a header. */
  #takeHeader(bytes: Buffer, at: number): number {
    const byte = bytes[at] as number
    const index = this.#headerBytes++
    const maskIndex = index - 2 - this.#lengthBytes
    if (index === 0) this.#begin(byte)
    else if (index === 1) this.#beginLength(byte)
    else if (maskIndex < 0) this.#length = this.#length * 256 + byte
    else {
      this.#mask |= byte << (8 * maskIndex)
      bytes[at] = 0
    }
    if (index > 1 && maskIndex === 3) {
      this.#headerBytes = 0
      this.#left = this.#length
      if (this.#isMiddlePart) this.#shortBytes = Math.max(0, this.#shortBytes + PART_BYTES - this.#length)
      if (this.isTooFine) this.#isOver = true
    }
    return at + 1
  }

  #begin(byte: number): void {
    this.#lengthBytes = this.#length = this.#mask = 0
    this.#isMiddlePart = (byte & (IS_LAST | OPCODE)) === 0
  }

  #beginLength(byte: number): void {
    const length = byte & 0x7f
    this.#isOver = (byte & 0x80) === 0
    this.#lengthBytes = length < 126 ? 0 : length === 126 ? 2 : 8
    this.#length = length < 126 ? length : 0
  }
}

/** Unmasks bytes in place. Returns the mask of what follows them. */
function unmaskPart(bytes: Buffer, from: number, end: number, mask: number): number {
  let at = from
  let next = mask
  const take = (until: number): void => {
    while (at < until) {
      bytes[at] = (bytes[at++] as number) ^ (next & 0xff)
      next = (next >>> 8) | (next << 24)
    }
  }
  if (end - from >= WORDS_FROM) {
    take(from + (-(bytes.byteOffset + from) & 3))
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >> 2)
    for (let index = 0; index < words.length; index++) words[index] = (words[index] as number) ^ next
    at += 4 * words.length
  }
  take(end)
  return next
}
