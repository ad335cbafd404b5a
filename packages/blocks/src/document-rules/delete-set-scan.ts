import * as decoding from 'lib0/decoding'
import { refuse } from './refusal.ts'
import { Refused, UPDATE_LIMITS } from './update-limits.ts'

/**
 * Reads the next bytes as a delete set, without keeping it. Returns false for a range that is empty or beyond every clock. Throws
 * lib0's error on bytes that end early, and {@link Refused} `too_costly` on more than `rangesMax` ranges.
 */
export function isDeleteSet(decoder: decoding.Decoder, rangesMax: number = UPDATE_LIMITS.deletionsMax): boolean {
  const clients = decoding.readVarUint(decoder)
  let left = rangesMax
  for (let i = 0; i < clients; i++) {
    decoding.readVarUint(decoder)
    const ranges = decoding.readVarUint(decoder)
    left -= ranges
    if (left < 0) throw tooMany()
    for (let j = 0; j < ranges; j++) {
      const clock = decoding.readVarUint(decoder)
      const length = decoding.readVarUint(decoder)
      if (length < 1 || clock + length > UPDATE_LIMITS.clockMax) return false
    }
  }
  return true
}

function tooMany(): Refused {
  return new Refused(
    refuse(
      'too_costly',
      `The update deletes more than ${UPDATE_LIMITS.deletionsMax} ranges: send the deletions in smaller updates`,
    ),
  )
}
