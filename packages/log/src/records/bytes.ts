/** Bytes that a whole number takes as a varuint: 7 bits a byte, lowest first. */
export function varuintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** Writes a varuint and returns the offset after it. */
export function writeVaruint(target: Buffer, value: number, offset: number): number {
  let rest = value
  let at = offset
  while (rest > 0x7f) {
    target[at++] = 0x80 | (rest % 128)
    rest = Math.floor(rest / 128)
  }
  target[at++] = rest
  return at
}

/** Bytes that a string takes with its length in front. */
export function stringBytes(value: string): number {
  const bytes = Buffer.byteLength(value)
  return varuintBytes(bytes) + bytes
}

/** Writes a string (UTF-8, its length in bytes in front) and returns the offset after it. */
export function writeString(target: Buffer, value: string, offset: number): number {
  // A short string has a one-byte length, which is set after the write: that is cheaper than measuring first.
  if (value.length <= 42) {
    const written = target.write(value, offset + 1)
    target[offset] = written
    return offset + 1 + written
  }
  const start = writeVaruint(target, Buffer.byteLength(value), offset)
  return start + target.write(value, start)
}

/** Reads bytes in order. Past the end it throws a RangeError, which the codecs turn into `corrupted`. */
export class ByteReader {
  offset: number
  readonly #bytes: Buffer
  readonly #end: number

  constructor(bytes: Uint8Array, offset: number, end: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.offset = offset
    this.#end = end
  }

  /** The next `length` bytes: a view, not a copy. */
  bytes(length: number): Buffer {
    const start = this.#advance(length)
    return this.#bytes.subarray(start, start + length)
  }

  rest(): Buffer {
    return this.bytes(this.#end - this.offset)
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#advance(1))
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4))
  }

  u48(): number {
    return this.#bytes.readUIntBE(this.#advance(6), 6)
  }

  varuint(): number {
    let value = 0
    let factor = 1
    for (;;) {
      const byte = this.u8()
      value += (byte & 0x7f) * factor
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too large')
      if (byte < 0x80) return value
      factor *= 128
    }
  }

  string(): string {
    return this.bytes(this.varuint()).toString()
  }

  /** Moves on by `length` bytes and returns the offset where they begin. */
  #advance(length: number): number {
    const start = this.offset
    if (length > this.#end - start)
      throw new RangeError(`${length} bytes are needed, and ${this.#end - start} are left`)
    this.offset = start + length
    return start
  }
}
