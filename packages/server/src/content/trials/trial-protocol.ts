import { isComparable } from '../known-already.ts'
import { splitUpdate } from '../update-parts.ts'

/** A request to a trial's thread, about the document of the trial. */
export type TrialRequest =
  /** Begin with an empty document. */
  | { readonly type: 'begin' }
  /** Apply V1 updates in one transaction. */
  | { readonly type: 'load'; readonly updates: readonly Uint8Array[] }
  /** Apply one V1 update as a room would: whole, or in units, each of which is measured. */
  | { readonly type: 'try'; readonly update: Uint8Array; readonly isWhole: boolean }
  /** Load another document from the state of this one, as the next load of the workspace will. */
  | { readonly type: 'reload' }

export interface TrialAnswer {
  /** CPU time that the request took, ms. */
  readonly cpuMs: number
  /** The error of Yjs, if it could not read the bytes. */
  readonly failed?: string
  /** CPU time of the unit that took longest, ms; that of the update when it was applied whole. */
  readonly unitMs?: number
  /** Structs of the update. */
  readonly structs?: number
  /** The update in parts, unless it was applied whole: see {@link splitTried}. */
  readonly parts?: readonly Uint8Array[]
}

/** Units into which an update is cut, at most, and the bytes of one, at least: each costs some microseconds of its own. */
const UNITS_MAX = 2_000
const UNIT_BYTES_MIN = 64

/** Bytes of the units in which an update is tried, and applied when that takes more than a turn. */
export function unitBytesOf({ length }: Uint8Array): number {
  return Math.max(UNIT_BYTES_MIN, Math.ceil(length / UNITS_MAX))
}

/** Structs of one piece of an update that has too many to be inspected at once: some 20 ms. */
const PIECE_STRUCTS = 20_000
const PIECE_BYTES = 1024 * 1024

/** An update in the parts that a room takes: units, or larger pieces if it has too many structs to be inspected at once. */
export function splitTried(update: Uint8Array): readonly Uint8Array[] {
  return isComparable(update)
    ? splitUpdate(update, unitBytesOf(update))
    : splitUpdate(update, PIECE_BYTES, PIECE_STRUCTS)
}
