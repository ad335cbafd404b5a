/** Updates of one member that wait for the tick's end. */
export interface Inbox {
  /** In order of arrival. */
  readonly updates: Uint8Array[]
  /** Number of the last update among the member's update frames. */
  through: number
  /** The update that answers a SyncStep1: all that the client has and the server lacks, edits of others included. */
  answer: Uint8Array | undefined
  /** The first that is over its limit, and that limit, bytes: it is refused unless it brings nothing new. */
  tooLarge: { readonly update: Uint8Array; readonly bytesMax: number } | undefined
}

/** The updates before index `at`, and those from it on. */
export function splitInbox({ updates, through, answer, tooLarge }: Inbox, at: number): [before: Inbox, rest: Inbox] {
  const before = updates.slice(0, at)
  const rest = updates.slice(at)
  const answerIn = (part: readonly Uint8Array[]) => (answer && part.includes(answer) ? answer : undefined)
  return [
    { updates: before, through: through - rest.length, answer: answerIn(before), tooLarge },
    { updates: rest, through, answer: answerIn(rest), tooLarge },
  ]
}

/** The limit of bytes that an update of an inbox is over; undefined when it is within its limit. */
export function limitOver({ tooLarge }: Inbox, { length }: Uint8Array): number | undefined {
  return tooLarge !== undefined && length > tooLarge.bytesMax ? tooLarge.bytesMax : undefined
}

/** Number of the first update in an inbox among its member's frames. */
export function frameOf({ through, updates }: Inbox): number {
  return through - updates.length + 1
}

/** The updates in order, split so that the answer stands alone. */
export function partsAround(answer: Uint8Array, updates: readonly Uint8Array[]): (readonly Uint8Array[])[] {
  const at = updates.indexOf(answer)
  return [updates.slice(0, at), [answer], updates.slice(at + 1)].filter((part) => part.length > 0)
}
