import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { visitUpdate } from './struct-spans.ts'

/** The Yjs encoding that bytes can be read as, to their last byte; `both` when either fits; undefined when neither does. */
export type UpdateFormat = 'v1' | 'v2' | 'both' | undefined

/**
 * Structs and ranges of deletions of a V2 update up to which it is told from other bytes. The encoding repeats a struct by a number,
 * so that a few bytes may stand for any number of structs.
 */
const V2_PARTS_MAX = 100_000
/** The same in bytes: values are not counted, and each byte may be one. */
const V2_BYTES_MAX = 1024 * 1024

/**
 * Tells which encoding of Yjs wrote `bytes`. No update says so itself, and Yjs ignores what follows the end of an update: it
 * reads most V2 updates as empty V1 ones. Here an update has to end with the last byte. Large V2 updates are told as
 * neither.
 *
 * @param partsMax structs and ranges of deletions after which the rest is not read: bytes that are V1 up to there count as V1
 */
export function formatOfUpdate(bytes: Uint8Array, partsMax = Number.POSITIVE_INFINITY): UpdateFormat {
  const isV1 = readsAsV1(bytes, partsMax)
  // Every V2 update begins with a byte of flags, and all of its flags are 0.
  const isV2 = bytes[0] === 0 && bytes.length <= V2_BYTES_MAX && readsAsV2(bytes)
  if (isV1) return isV2 ? 'both' : 'v1'
  return isV2 ? 'v2' : undefined
}

function readsAsV1(bytes: Uint8Array, partsMax: number): boolean {
  let left = partsMax
  const count = (): void => {
    if (left-- <= 0) throw new TooManyParts()
  }
  try {
    return visitUpdate(bytes, { struct: count, deletion: count }) === bytes.length
  } catch (error) {
    return error instanceof TooManyParts
  }
}

class TooManyParts extends Error {}

function readsAsV2(bytes: Uint8Array): boolean {
  let end: decoding.Decoder | undefined
  let left = V2_PARTS_MAX
  const count = (): void => {
    if (left-- === 0) throw new Error('the update has too many parts to be read')
  }
  class Counted extends Y.UpdateDecoderV2 {
    constructor(decoder: decoding.Decoder) {
      super(decoder)
      end = decoder
    }
    override readInfo(): number {
      count()
      return super.readInfo()
    }
    override readDsClock(): number {
      count()
      return super.readDsClock()
    }
    override readString(): string {
      count()
      return super.readString()
    }
  }
  try {
    Y.decodeUpdateV2(bytes, Counted)
  } catch {
    return false
  }
  return end !== undefined && !decoding.hasContent(end)
}
