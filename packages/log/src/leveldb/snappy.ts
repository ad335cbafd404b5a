const LITERAL = 0
const SHORT_COPY = 1
const MEDIUM_COPY = 2

/**
 * Unpacks one Snappy block, the compression of LevelDB's tables (format_description.txt of google/snappy). Throws a
 * RangeError on bytes that are no such block, and if there are more than `bytesMax` unpacked.
 */
export function unpackSnappy(packed: Uint8Array, bytesMax: number): Uint8Array {
  let from = 0
  const next = (): number => {
    const byte = packed[from++]
    if (byte === undefined) throw new RangeError('a compressed block ends too early')
    return byte
  }
  const littleEndian = (bytes: number): number => {
    let value = 0
    for (let index = 0; index < bytes; index++) value += next() * 2 ** (8 * index)
    return value
  }
  let length = 0
  for (let factor = 1; ; factor *= 128) {
    const byte = next()
    length += (byte & 0x7f) * factor
    if (length > bytesMax) throw new RangeError(`a compressed block claims more than ${bytesMax} bytes`)
    if (byte < 0x80) break
  }
  const unpacked = new Uint8Array(length)
  let to = 0
  while (from < packed.length) {
    const tag = next()
    const kind = tag & 3
    if (kind === LITERAL) {
      const high = tag >>> 2
      const count = 1 + (high < 60 ? high : littleEndian(high - 59))
      if (from + count > packed.length || to + count > length) throw new RangeError('a literal runs past its end')
      unpacked.set(packed.subarray(from, from + count), to)
      from += count
      to += count
      continue
    }
    const count = kind === SHORT_COPY ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2)
    const offset = kind === SHORT_COPY ? (tag >>> 5) * 256 + next() : littleEndian(kind === MEDIUM_COPY ? 2 : 4)
    if (offset === 0 || offset > to || to + count > length) throw new RangeError('a copy points past what there is')
    // Byte by byte: a copy may overlap the bytes that it writes, which is how runs are packed.
    for (const end = to + count; to < end; to++) unpacked[to] = unpacked[to - offset] as number
  }
  if (to !== length) throw new RangeError(`a compressed block has ${to} of ${length} bytes`)
  return unpacked
}
