import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { Stamps } from './stamps.ts'
import { readStamps, writeStamps } from './stamps-codec.ts'

/**
 * What stands beside a snapshot's state: what a room would know had it read the records that the snapshot covers.
 *
 * ```
 * annex       = format stateVector authors stamps
 * format      = 1
 * stateVector = length length*byte      of the document, as Yjs writes it
 * authors     = length length*byte      the rules' own: who may write under which client id
 * stamps      = names records paths     last, read only by who needs it
 * ```
 */
export interface Annex {
  readonly stateVector: Uint8Array
  /** Undefined when nobody knows. */
  readonly authors: Uint8Array | undefined
  /** Decoded at each call. */
  readonly stamps: () => Stamps
}

const ANNEX_FORMAT = 1

export function encodeAnnex(annex: { stateVector: Uint8Array; authors: Uint8Array; stamps: Stamps }): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, ANNEX_FORMAT)
  encoding.writeVarUint8Array(encoder, annex.stateVector)
  encoding.writeVarUint8Array(encoder, annex.authors)
  writeStamps(encoder, annex.stamps)
  return encoding.toUint8Array(encoder)
}

/** Reads what {@link encodeAnnex} wrote; undefined for none and for that of a newer version. Throws on other bytes. */
export function decodeAnnex(bytes: Uint8Array): Annex | undefined {
  if (bytes.length === 0) return undefined
  const decoder = decoding.createDecoder(bytes)
  if (decoding.readVarUint(decoder) !== ANNEX_FORMAT) return undefined
  // A copy: it is kept for as long as its room is, and a view would keep the whole snapshot with it.
  const stateVector = decoding.readVarUint8Array(decoder).slice()
  const authors = decoding.readVarUint8Array(decoder)
  const { pos } = decoder
  // None at all are those of rules that keep no authors; others could not read that.
  return {
    stateVector,
    authors: authors.length === 0 ? undefined : authors,
    stamps: () => readStamps(decoding.createDecoder(bytes.subarray(pos))),
  }
}
