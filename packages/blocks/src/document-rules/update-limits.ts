import type { BlocksRefusal } from './refusal.ts'

/** What one update may bring. Beyond them it is refused whole; the numbers leave honest clients far away. */
export const UPDATE_LIMITS = {
  /** Levels of Yjs types in each other. Deleting a few thousand nested ones overflows the stack and bricks the document. */
  typeDepthMax: 100,
  /** New writers' client ids in one update: a client's own sessions offline, or a relay after a restore. Each slows every later edit. */
  clientsNewMax: 1_024,
  /** Clock ticks that garbage and deleted structs may take up in one update: text typed and deleted offline for weeks. */
  emptyTicksMax: 10_000_000,
  /** Greatest clock: Yjs computes with 32-bit integers in places. */
  clockMax: 2 ** 31 - 1,
  /** How far a run number or seq may lie above the highest known: what one client can count up to offline. */
  countJumpMax: 1_000_000,
} as const

/** Thrown inside the update reader only; `inspect` turns it into the refusal it carries. */
export class Refused extends Error {
  override name = 'Refused'
  readonly refusal: BlocksRefusal
  constructor(refusal: BlocksRefusal) {
    super(refusal.reason)
    this.refusal = refusal
  }
}
