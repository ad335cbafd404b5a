/** Milliseconds in base 36 keep this many digits until the year 5188. */
const TIME_DIGITS = 9

/** An id of a block's own that sorts by when it was made: blocks are listed by id, and a new one belongs at the end. */
export function freshBlockId(atMs: number): string {
  // Not `randomUUID`, which a page that was not loaded over TLS does not have.
  const own = Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(16).padStart(2, '0'))
  return `${atMs.toString(36).padStart(TIME_DIGITS, '0')}-${own.join('')}`
}
