import type { ServerLimits } from '../../limits.ts'
import { COMPARED_MAX, UPDATE_STRUCTS_MAX } from '../known-already.ts'
import { countParts, mayHaveMore } from '../struct-spans.ts'

/**
 * Structs that a range of deletions counts as here. To inspect and apply one takes half as long, and answers of people who have
 * deleted much have a thousand: few of them are to wait for a trial.
 */
const PER_RANGE = 2

/** Whether an update is so large that it is tried before it is looked at. */
export function isHeavy(
  update: Uint8Array,
  { trialBytes, trialStructs }: Pick<ServerLimits, 'trialBytes' | 'trialStructs'>,
): boolean {
  if (update.length <= trialBytes && !mayHaveMore(update, trialStructs)) return false
  const structs = countParts(update, UPDATE_STRUCTS_MAX, COMPARED_MAX)
  // An update with too many structs is refused without a trial, and so is one whose pieces would have too many.
  if (structs > UPDATE_STRUCTS_MAX) return false
  return update.length > trialBytes || countParts(update, trialStructs, undefined, PER_RANGE) > trialStructs
}
