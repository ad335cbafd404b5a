import { stringBytes, varuintBytes, writeString, writeVaruint } from './bytes.ts'

/** A buffer that grows as it is written. Slower than measuring beforehand: for encodings that are made seldom. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(4_096)
  #length = 0

  /** The bytes written so far: a view, not a copy. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  varuint(value: number): void {
    this.#reserve(varuintBytes(value))
    this.#length = writeVaruint(this.#bytes, value, this.#length)
  }

  string(value: string): void {
    this.#reserve(stringBytes(value))
    this.#length = writeString(this.#bytes, value, this.#length)
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.byteLength
  }

  #reserve(length: number): void {
    const needed = this.#length + length
    if (needed <= this.#bytes.byteLength) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.byteLength * 2))
    grown.set(this.written)
    this.#bytes = grown
  }
}
