import type { ServerLimits } from '../../limits.ts'
import { isComparable } from '../known-already.ts'
import { countStructs } from '../struct-spans.ts'

/** Bytes of the smallest struct: fewer bytes than this for each of `trialStructs` are not looked at. */
const STRUCT_BYTES_MIN = 2

/** Whether an update is so large that it is tried before it is looked at. */
export function isHeavy(
  update: Uint8Array,
  { trialBytes, trialStructs }: Pick<ServerLimits, 'trialBytes' | 'trialStructs'>,
): boolean {
  if (update.length <= Math.min(trialBytes, trialStructs * STRUCT_BYTES_MIN)) return false
  // An update with too many structs is refused without a trial.
  if (!isComparable(update)) return false
  if (update.length > trialBytes) return true
  return countStructs(update, trialStructs) > trialStructs
}
