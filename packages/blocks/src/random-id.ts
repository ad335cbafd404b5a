/** Bytes of chance in a drawn id: nobody else draws the same. */
const RANDOM_BYTES = 16
const PREFIX = 'r-'
const RANDOM_ID = /^r-[0-9a-f]{32}$/

/** A block id that nobody else has: {@link RANDOM_BYTES} random bytes in hex. */
export function randomBlockId(): string {
  return blockIdOf(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)))
}

/** The drawn id that 16 or more given bytes make, for a caller that must draw the same id again. */
export function blockIdOf(bytes: Uint8Array): string {
  const hex = Array.from(bytes.subarray(0, RANDOM_BYTES), (byte) => byte.toString(16).padStart(2, '0'))
  return PREFIX + hex.join('')
}

/** True for an id of the form that {@link randomBlockId} draws. */
export function isRandomBlockId(id: string): boolean {
  return RANDOM_ID.test(id)
}
