import * as decoding from 'lib0/decoding'
import { FrameError } from './frame-error.ts'

/** Reads one varUint, 0 to 2^53 − 1. lib0 alone reads up to 2^60 and rounds: two ids would become the same. */
export function readUint(decoder: decoding.Decoder): number {
  const value = decoding.readVarUint(decoder)
  if (!Number.isSafeInteger(value)) throw new FrameError('a number is over 2^53 − 1')
  return value
}
