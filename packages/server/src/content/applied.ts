import type { Observed, Refusal } from './document-rules.ts'
import type { Clocks } from './waiting-structs.ts'

/** Result of applying one connection's updates of a tick. */
export interface Applied {
  /** The refused update and the reason. The updates before it are applied; the updates after it were not looked at. */
  readonly refused: { index: number; refusal: Refusal } | undefined
  /** Index of the first update that is left for a later turn: this one has taken long. */
  readonly leftFrom?: number | undefined
  /** The update that the other clients lack now; undefined when the updates brought nothing new. */
  readonly forward: Uint8Array | undefined
  /**
   * The update that the log has to keep; undefined when there is nothing new. Includes parts that still wait for other
   * updates.
   */
  readonly record: Uint8Array | undefined
  readonly touched: string[]
  /**
   * True when {@link forward} includes others' edits that waited for these updates: their sender lacks those edits,
   * too.
   */
  readonly freesOthers?: boolean
  /** True when some of the edits may not be the sender's own. */
  readonly mayBeOthers?: boolean
  /** The clocks that the document must reach before all the updates show; undefined when all of them show. */
  readonly waitsFor?: Clocks | undefined
  /** Edits that only others may send and have not sent, and the index of the first update that held some of them. */
  readonly withheld?: { readonly index: number; readonly update: Uint8Array } | undefined
  /** The changes in what people are shown, and the claims that lost to concurrent ones. */
  readonly observed: readonly Observed[]
}

/** The result of updates that brought nothing new. */
export const NOTHING: Applied = {
  refused: undefined,
  forward: undefined,
  record: undefined,
  touched: [],
  observed: [],
}
