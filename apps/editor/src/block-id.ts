/** Length of a time in ms in base 36, until the year 5188. */
const TIME_DIGITS = 9

/** Makes a unique block id that sorts by its time: blocks are listed by id, and a new one belongs at the end. */
export function freshBlockId(atMs: number): string {
  // Not `randomUUID`: a page that was not loaded over TLS does not have it.
  const own = Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(16).padStart(2, '0'))
  return `${atMs.toString(36).padStart(TIME_DIGITS, '0')}-${own.join('')}`
}
