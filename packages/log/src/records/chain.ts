import { createHash, hash } from 'node:crypto'
import type { ChainMark, LogRecord } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { varuintBytes, writeString, writeVaruint } from './bytes.ts'

/** SHA-256 as 64 lower-case hexadecimal digits. */
export type ChainValue = string

/** The chain value before the first link of a log. */
export const CHAIN_START: ChainValue = '0'.repeat(64)

export type { ChainMark } from '../event-store.ts'

/** A record's place in the chain. `value` covers the record at `lsn`, and no mark behind it. */
export interface ChainPoint {
  readonly lsn: Lsn
  readonly value: ChainValue
}

/** Where the chain of a log begins that can still be computed, and the marks behind that, in order. */
export interface ChainOrigin extends ChainPoint {
  readonly marks: readonly ChainMark[]
}

/** The chain of a log that keeps no value of the record at `lsn`, or has none: it begins anew behind that. */
export function chainBegunAt(lsn: Lsn, generation: string): ChainOrigin {
  return { lsn, value: CHAIN_START, marks: [{ after: lsn, generation }] }
}

const KIND_GENERATION = 0
const KIND_RECORD = 1
const KIND_GROUND = 2
const VALUE_BYTES = 32
/** Value before, kind, and two numbers of 48 bits. */
const PREFIX_BYTES = VALUE_BYTES + 1 + 6 + 6
/** Largest update that is copied to be hashed in one call: a larger one costs more to copy than a second call. */
const COPIED_BYTES_MAX = 16 * 1024

let scratch = Buffer.allocUnsafe(64 * 1024)

/** SHA-256 of bytes. */
export function sha256(bytes: Uint8Array): ChainValue {
  return hash('sha256', bytes, 'hex')
}

/** The chain as far as a reader of a log has come. SPEC.md has the bytes that are hashed. */
export class Chain {
  #lsn: Lsn
  #value: ChainValue
  readonly #marks: readonly ChainMark[]
  #nextMark = 0

  constructor({ lsn, value, marks }: ChainOrigin) {
    this.#lsn = lsn
    this.#value = value
    this.#marks = marks
    while ((marks[this.#nextMark]?.after ?? lsn) < lsn) this.#nextMark++
  }

  get point(): ChainPoint {
    return { lsn: this.#lsn, value: this.#value }
  }

  /** Takes the record behind the last one. Its LSN is not checked. Returns the chain value of the record. */
  take(record: LogRecord): ChainValue {
    for (let mark = this.#marks[this.#nextMark]; mark?.after === this.#lsn; mark = this.#marks[++this.#nextMark]) {
      this.#value = hashMark(this.#value, mark)
    }
    this.#value = hashRecord(this.#value, record)
    this.#lsn = record.lsn
    return this.#value
  }
}

function hashMark(before: ChainValue, mark: ChainMark): ChainValue {
  const kind = 'generation' in mark ? KIND_GENERATION : KIND_GROUND
  let offset = writePrefix(before, kind, mark.after)
  if ('generation' in mark) offset = writeString(scratch, mark.generation, offset)
  else {
    offset = scratch.writeUIntBE(mark.groundLsn, offset, 6)
    offset += scratch.write(mark.state, offset, 'hex')
    offset += scratch.write(mark.annex, offset, 'hex')
  }
  return hash('sha256', scratch.subarray(0, offset), 'hex')
}

function hashRecord(before: ChainValue, record: LogRecord): ChainValue {
  const { lsn, at, actor, source, connection, idempotencyKey, touched, update } = record
  let room = PREFIX_BYTES + stringRoom(actor) + stringRoom(source) + stringRoom(connection)
  room += 1 + stringRoom(idempotencyKey ?? '') + varuintBytes(touched.length)
  for (const path of touched) room += stringRoom(path)
  room += varuintBytes(update.byteLength) + Math.min(update.byteLength, COPIED_BYTES_MAX)
  if (room > scratch.byteLength) scratch = Buffer.allocUnsafe(room * 2)
  let offset = scratch.writeUIntBE(at, writePrefix(before, KIND_RECORD, lsn), 6)
  offset = writeString(scratch, actor, offset)
  offset = writeString(scratch, source, offset)
  offset = writeString(scratch, connection, offset)
  scratch[offset++] = idempotencyKey === undefined ? 0 : 1
  if (idempotencyKey !== undefined) offset = writeString(scratch, idempotencyKey, offset)
  offset = writeVaruint(scratch, touched.length, offset)
  for (const path of touched) offset = writeString(scratch, path, offset)
  offset = writeVaruint(scratch, update.byteLength, offset)
  if (update.byteLength > COPIED_BYTES_MAX) {
    return createHash('sha256').update(scratch.subarray(0, offset)).update(update).digest('hex')
  }
  scratch.set(update, offset)
  // Text takes a third of the time that a buffer takes, which has to be allocated for each value (measured).
  return hash('sha256', scratch.subarray(0, offset + update.byteLength), 'hex')
}

/** Most bytes that a string takes: its UTF-8 has at most three for each of its code units. */
function stringRoom(value: string): number {
  return 8 + value.length * 3
}

function writePrefix(before: ChainValue, kind: number, lsn: Lsn): number {
  scratch.write(before, 0, 'hex')
  scratch[VALUE_BYTES] = kind
  return scratch.writeUIntBE(lsn, VALUE_BYTES + 1, 6)
}
