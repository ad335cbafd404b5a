import type { BlocksRefusal } from './refusal.ts'

/** Limits of one update. An update beyond them is refused whole. Honest clients stay far below. */
export const UPDATE_LIMITS = {
  /** Levels of Yjs types in each other. Deleting a few thousand nested types overflows the stack and makes the document unusable. */
  typeDepthMax: 100,
  /** New client ids in one update: a client's offline sessions, or a relay after a restore. Each id slows every later edit. */
  clientsNewMax: 1_024,
  /** Clock ticks of garbage and deleted structs in one update: text that was typed and deleted offline for weeks. */
  emptyTicksMax: 10_000_000,
  /** Greatest clock. Yjs uses 32-bit integers in places. */
  clockMax: 2 ** 31 - 1,
  /** Greatest distance of a run number or seq from the highest known: one client can count so far offline. */
  countJumpMax: 1_000_000,
} as const

/** Carries a refusal out of the update reader. `inspect` returns the refusal. */
export class Refused extends Error {
  override name = 'Refused'
  readonly refusal: BlocksRefusal
  constructor(refusal: BlocksRefusal) {
    super(refusal.reason)
    this.refusal = refusal
  }
}
