import * as decoding from 'lib0/decoding'
import { UPDATE_LIMITS } from './update-limits.ts'

/**
 * Reads over the delete set that comes; false at a range that is empty or beyond every clock. Throws what lib0 throws on
 * bytes that end early.
 */
export function isDeleteSet(decoder: decoding.Decoder): boolean {
  const clients = decoding.readVarUint(decoder)
  for (let i = 0; i < clients; i++) {
    decoding.readVarUint(decoder)
    const ranges = decoding.readVarUint(decoder)
    for (let j = 0; j < ranges; j++) {
      const clock = decoding.readVarUint(decoder)
      const length = decoding.readVarUint(decoder)
      if (length < 1 || clock + length > UPDATE_LIMITS.clockMax) return false
    }
  }
  return true
}
