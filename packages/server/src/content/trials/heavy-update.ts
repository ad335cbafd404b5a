import type { ServerLimits } from '../../limits.ts'
import { readSpans } from '../struct-spans.ts'

/** Bytes of the smallest struct: fewer bytes than this for each of `trialStructs` are not looked at. */
const STRUCT_BYTES_MIN = 2

/** Whether an update is so large that it is tried before it is looked at. False for bytes that are no update. */
export function isHeavy(
  update: Uint8Array,
  { trialBytes, trialStructs }: Pick<ServerLimits, 'trialBytes' | 'trialStructs'>,
): boolean {
  if (update.length > trialBytes) return true
  if (update.length <= trialStructs * STRUCT_BYTES_MIN) return false
  return countStructs(update) > trialStructs
}

function countStructs(update: Uint8Array): number {
  try {
    let structs = 0
    for (const client of readSpans(update).clients.values()) structs += client.structs.length
    return structs
  } catch {
    // The rules say what is wrong with these bytes.
    return 0
  }
}
