import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { Stamps } from './stamps.ts'
import { readStamps, writeStamps } from './stamps-codec.ts'

/**
 * The data stored beside a snapshot's state: everything else that a room would know from the records that the
 * snapshot covers.
 *
 * ```
 * annex       = format stateVector authors stamps [bounded]
 * format      = 1
 * stateVector = length length*byte      of the document, as Yjs writes it
 * authors     = length length*byte      in the rules' own format: the owner of each client id
 * stamps      = names records paths     at the end, decoded only when they are needed
 * bounded     = 00 "bounded"            of a room that takes no update that makes a document slow to load
 * ```
 */
export interface Annex {
  readonly stateVector: Uint8Array
  /** The owners of the client ids, in the rules' own format; undefined when they are not known. */
  readonly authors: Uint8Array | undefined
  /** The stamps, decoded at each call. */
  readonly stamps: () => Stamps
  /** True when the room that wrote it let no update in that makes the document slow to load. */
  readonly isBounded: boolean
}

/** Readers of earlier versions ignore bytes behind the stamps. */
const BOUNDED = Buffer.from('\0bounded')

const ANNEX_FORMAT = 1

export function encodeAnnex(annex: { stateVector: Uint8Array; authors: Uint8Array; stamps: Stamps }): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, ANNEX_FORMAT)
  encoding.writeVarUint8Array(encoder, annex.stateVector)
  encoding.writeVarUint8Array(encoder, annex.authors)
  writeStamps(encoder, annex.stamps)
  encoding.writeUint8Array(encoder, BOUNDED)
  return encoding.toUint8Array(encoder)
}

/**
 * Reads the bytes of {@link encodeAnnex}; undefined for no annex and for the annex of a newer version. Throws on other
 * bytes.
 */
export function decodeAnnex(bytes: Uint8Array): Annex | undefined {
  if (bytes.length === 0) return undefined
  const decoder = decoding.createDecoder(bytes)
  if (decoding.readVarUint(decoder) !== ANNEX_FORMAT) return undefined
  // A copy: the room keeps the state vector, and a view would keep the whole snapshot in memory with it.
  const stateVector = decoding.readVarUint8Array(decoder).slice()
  const authors = decoding.readVarUint8Array(decoder)
  const { pos } = decoder
  // Rules that keep no authors write an empty array, which other rules could not read.
  return {
    stateVector,
    authors: authors.length === 0 ? undefined : authors,
    isBounded: BOUNDED.equals(bytes.subarray(-BOUNDED.length)),
    stamps: () => readStamps(decoding.createDecoder(bytes.subarray(pos))),
  }
}
