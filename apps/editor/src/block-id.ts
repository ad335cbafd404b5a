/** Milliseconds in base 36 keep this many digits until the year 5188. */
const TIME_DIGITS = 9

/** An id of a block's own that sorts by when it was made: blocks are listed by id, and a new one belongs at the end. */
export function freshBlockId(atMs: number, uuid: string): string {
  return `${atMs.toString(36).padStart(TIME_DIGITS, '0')}-${uuid.slice(0, 13)}`
}
