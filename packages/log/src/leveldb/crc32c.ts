const POLYNOMIAL = 0x82f63b78
/**
 * Constant that LevelDB adds to a checksum before storing it, so that data which contains checksums can be checksummed
 * itself.
 */
const MASK_DELTA = 0xa282ead8

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL
  return crc
})

/** CRC-32C (Castagnoli), which LevelDB uses; Node has only CRC-32. `before` is the checksum of the bytes in front. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  for (let index = 0; index < bytes.length; index++) {
    crc = (TABLE[(crc ^ (bytes[index] as number)) & 0xff] as number) ^ (crc >>> 8)
  }
  return ~crc >>> 0
}

/** A checksum as LevelDB writes it into its files. */
export function maskCrc32c(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0
}
