import * as decoding from 'lib0/decoding'
import { UPDATE_LIMITS } from './update-limits.ts'

/**
 * Reads the next bytes as a delete set, without keeping it. Returns false for a range that is empty or beyond every clock. Throws
 * lib0's error on bytes that end early.
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
