/** Place of a block in a table, without its trailer. */
export interface Handle {
  readonly offset: number
  readonly size: number
}

/** Reads LevelDB's varints. Throws a RangeError past the end. */
export class VarintReader {
  offset = 0
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.offset >= this.#bytes.length
  }

  varint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.offset++]
      if (byte === undefined) throw new RangeError('the bytes end within a number')
      value += (byte & 0x7f) * factor
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too large')
      if (byte < 0x80) return value
    }
  }

  skip(bytes: number): void {
    if (this.offset + bytes > this.#bytes.length) throw new RangeError('the bytes end too early')
    this.offset += bytes
  }

  handle(): Handle {
    return { offset: this.varint(), size: this.varint() }
  }

  restIsZero(): boolean {
    return this.#bytes.subarray(this.offset).every((byte) => byte === 0)
  }
}
