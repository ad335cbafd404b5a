import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'

/** The Yjs encoding that bytes can be read as, to their last byte; `both` when either fits; undefined when neither does. */
export type UpdateFormat = 'v1' | 'v2' | 'both' | undefined

/**
 * Tells which encoding of Yjs wrote `bytes`. No update says so itself, and Yjs ignores what follows the end of an update: it
 * reads most V2 updates as empty V1 ones. Here an update has to end with the last byte.
 */
export function formatOfUpdate(bytes: Uint8Array): UpdateFormat {
  const isV1 = readsAs(bytes, Y.UpdateDecoderV1)
  // Every V2 update begins with a byte of flags, and all of its flags are 0.
  const isV2 = bytes[0] === 0 && readsAs(bytes, Y.UpdateDecoderV2)
  if (isV1) return isV2 ? 'both' : 'v1'
  return isV2 ? 'v2' : undefined
}

type UpdateDecoder = typeof Y.UpdateDecoderV1 | typeof Y.UpdateDecoderV2

function readsAs(bytes: Uint8Array, Decoder: UpdateDecoder): boolean {
  let end: decoding.Decoder | undefined
  class Watched extends (Decoder as typeof Y.UpdateDecoderV1) {
    constructor(decoder: decoding.Decoder) {
      super(decoder)
      end = decoder
    }
  }
  try {
    Y.decodeUpdateV2(bytes, Watched)
  } catch {
    return false
  }
  return end !== undefined && !decoding.hasContent(end)
}

/**
 * Whether bytes are a Yjs state vector, to their last byte. Yjs ignores what follows the end.
 */
export function isWholeStateVector(bytes: Uint8Array): boolean {
  const decoder = decoding.createDecoder(bytes)
  try {
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      decoding.readVarUint(decoder)
      decoding.readVarUint(decoder)
    }
  } catch {
    return false
  }
  return !decoding.hasContent(decoder)
}
