import type { ServerLimits } from '../../limits.ts'
import { COMPARED_MAX, UPDATE_STRUCTS_MAX } from '../known-already.ts'
import { countParts, mayHaveMore } from '../struct-spans.ts'

/** Whether an update is so large that it is tried before it is looked at. */
export function isHeavy(
  update: Uint8Array,
  { trialBytes, trialStructs }: Pick<ServerLimits, 'trialBytes' | 'trialStructs'>,
): boolean {
  if (update.length <= trialBytes && !mayHaveMore(update, trialStructs)) return false
  const structs = countParts(update, UPDATE_STRUCTS_MAX, COMPARED_MAX)
  // An update with too many structs is refused without a trial, and so is one whose pieces would have too many.
  if (structs > UPDATE_STRUCTS_MAX) return false
  return update.length > trialBytes || structs > trialStructs
}
