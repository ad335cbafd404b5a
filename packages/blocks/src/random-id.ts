/** Bytes of chance in a drawn id: nobody else draws the same. */
const RANDOM_BYTES = 16
const PREFIX = 'r-'
const RANDOM_ID = /^r-[0-9a-f]{32}$/

/** Ids drawn at once. On Node, a call for random bytes takes as long as the rest of a block. */
const DRAWN_AT_ONCE = 64
let drawn = new Uint8Array(0)
let used = 0

/** A block id that nobody else has: {@link RANDOM_BYTES} random bytes in hex. */
export function randomBlockId(): string {
  if (used === drawn.length) {
    drawn = crypto.getRandomValues(new Uint8Array(DRAWN_AT_ONCE * RANDOM_BYTES))
    used = 0
  }
  used += RANDOM_BYTES
  return blockIdOf(drawn.subarray(used - RANDOM_BYTES, used))
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
