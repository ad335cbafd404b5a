import * as decoding from 'lib0/decoding'
import { AT_ONCE, doAll, type Pace, PER_LOOK, type Steps } from './steps.ts'
import { countCodeUnits } from './utf16-length.ts'

/** Low bits of a struct's first byte: what it holds. The rest are flags. */
export const CONTENT = 0b11111
export const HAS_ORIGIN = 0b1000_0000
export const HAS_RIGHT_ORIGIN = 0b0100_0000
export const HAS_PARENT_SUB = 0b0010_0000
/** Content numbers of Yjs' V1 encoding. */
const GC = 0
const SKIP = 10
/** Types that have a name of their own: XML elements and hooks. */
const NAMED_TYPES = new Set([3, 5])

/** Values and JSON that count as much as one struct does: Yjs makes some 500 bytes of a struct, and some 50 of a small value. */
const VALUES_PER_STRUCT = 8
const JSON_BYTES_PER_STRUCT = 64
/** Structs as which a range of deletions counts: it may split an item, and moves those behind it. */
const STRUCTS_PER_RANGE = 5
/** Structs as which a subdocument counts besides: Yjs makes a document of it. */
const STRUCTS_PER_SUBDOCUMENT = 7
/** The cheapest bytes: a range of two. A subdocument has five or more. */
const COST_PER_BYTE_MAX = STRUCTS_PER_RANGE / 2

/** Notes what the skipped structs hold, and stops when that is more than `costMax`, or one value more than `valueMax`, in structs. */
class SpanDecoder extends decoding.Decoder {
  readonly #costMax: number
  readonly #valueMax: number
  #cost = 0
  #value = 0

  constructor(bytes: Uint8Array, costMax = Number.POSITIVE_INFINITY, valueMax = Number.POSITIVE_INFINITY) {
    super(bytes)
    this.#costMax = costMax
    this.#valueMax = valueMax
  }

  get cost(): number {
    return Math.ceil(this.#cost)
  }

  spend(cost: number): void {
    this.#cost += cost
    if (this.#cost > this.#costMax) throw new TooMuch()
  }

  /** Begins a value: from now on each cost is part of it, until the next begins. */
  beginValue(): void {
    this.#value = this.#cost
  }

  spendInValue(cost: number): void {
    this.spend(cost)
    if (this.#cost - this.#value > this.#valueMax) throw new TooMuch()
  }
}

/** Ends a count. */
class TooMuch extends Error {
  override name = 'TooMuch'
}

/** One struct as it stands in the update. */
export interface StructSpan {
  readonly from: number
  readonly to: number
  readonly clock: number
  readonly length: number
  readonly isSkip: boolean
  /** Clients and clocks of the structs that it builds on, by turns. */
  readonly needs: readonly number[]
}

export interface ClientSpans {
  readonly id: number
  readonly structs: StructSpan[]
  /** First struct that is in no part yet. */
  next: number
}

/** The structs of an update by client id, in the order of the bytes, and the offset at which its deletions begin. */
export interface ReadSpans {
  readonly clients: ReadonlyMap<number, ClientSpans>
  readonly end: number
}

/**
 * Finds the structs of one Yjs V1 update, and the offset at which its deletions begin. Reads as little as this takes: no string is
 * decoded and no value is built. Throws on bytes that are no update.
 */
export function readSpans(update: Uint8Array): ReadSpans {
  return doAll(readingSpans(update, AT_ONCE))
}

/** The steps of {@link readSpans}. */
export function* readingSpans(update: Uint8Array, pace: Pace): Steps<ReadSpans> {
  const decoder = new SpanDecoder(update)
  const clients = new Map<number, ClientSpans>()
  let read = 0
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const count = decoding.readVarUint(decoder)
    const id = decoding.readVarUint(decoder)
    let clock = decoding.readVarUint(decoder)
    const structs: StructSpan[] = []
    for (let at = 0; at < count; at++) {
      const struct = readStruct(decoder, clock)
      structs.push(struct)
      clock += struct.length
      if (++read % PER_LOOK === 0 && pace.isOver) yield
    }
    clients.set(id, { id, structs, next: 0 })
  }
  return { clients, end: decoder.pos }
}

/**
 * Counts what Yjs makes an object of in one Yjs V1 update: structs, clients, ranges of deletions, each of which counts as several, and
 * values, of which several count as one. Ends as soon as the bytes tell of more than `max`, and then returns one more. So does an update that can't be read: nobody
 * knows what Yjs makes of it.
 *
 * @param valueMax the same for one value alone, which no cut makes smaller
 * @param perRange the number of structs that a range of deletions counts as
 */
export function countParts(update: Uint8Array, max: number, valueMax?: number, perRange = STRUCTS_PER_RANGE): number {
  try {
    const decoder = new SpanDecoder(update, max, valueMax)
    for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
      const count = decoding.readVarUint(decoder)
      decoder.spend(1 + count)
      decoding.readVarUint(decoder)
      let clock = decoding.readVarUint(decoder)
      for (let at = 0; at < count; at++) clock += readStruct(decoder, clock).length
    }
    for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
      decoding.readVarUint(decoder)
      const count = decoding.readVarUint(decoder)
      decoder.spend(perRange * count)
      skipNumbers(decoder, 2 * count)
    }
    return decoder.cost
  } catch {
    return max + 1
  }
}

/** Whether an update of so many bytes may have more than `max` parts. */
export function mayHaveMore({ length }: Uint8Array, max: number): boolean {
  return length * COST_PER_BYTE_MAX > max
}

/** Whether one Yjs V1 update has at most `max` parts: see {@link countParts}. */
export function hasAtMost(update: Uint8Array, max: number): boolean {
  return !mayHaveMore(update, max) || countParts(update, max) <= max
}

/** The structs and deletions of an update, one after the other. Nothing is kept of them. */
export interface UpdateVisitor {
  struct(client: number, struct: StructSpan): unknown
  deletion(client: number, clock: number, length: number): unknown
}

/** Reads one Yjs V1 update and returns the offset behind its last byte. Throws on bytes that are no update. */
export function visitUpdate(update: Uint8Array, visitor: Partial<UpdateVisitor>): number {
  const decoder = new SpanDecoder(update)
  for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
    const count = decoding.readVarUint(decoder)
    const client = decoding.readVarUint(decoder)
    let clock = decoding.readVarUint(decoder)
    for (let at = 0; at < count; at++) {
      const struct = readStruct(decoder, clock)
      visitor.struct?.(client, struct)
      clock += struct.length
    }
  }
  for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
    const client = decoding.readVarUint(decoder)
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      const clock = decoding.readVarUint(decoder)
      // Read whether or not it is told of.
      const length = decoding.readVarUint(decoder)
      visitor.deletion?.(client, clock, length)
    }
  }
  return decoder.pos
}

function skipNumbers(decoder: SpanDecoder, count: number): void {
  for (let left = count; left > 0; left--) decoding.readVarUint(decoder)
}

function readStruct(decoder: SpanDecoder, clock: number): StructSpan {
  const from = decoder.pos
  const info = decoding.readUint8(decoder)
  const content = info & CONTENT
  let needs: number[] | undefined
  let length: number
  if (content === GC || content === SKIP) length = decoding.readVarUint(decoder)
  else {
    if (info & HAS_ORIGIN) needs = readId(decoder, needs)
    if (info & HAS_RIGHT_ORIGIN) needs = readId(decoder, needs)
    if ((info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) === 0) {
      if (decoding.readVarUint(decoder) === 1) skipBytes(decoder)
      else needs = readId(decoder, needs)
      if (info & HAS_PARENT_SUB) skipBytes(decoder)
    }
    length = skipContent(decoder, content)
  }
  return { from, to: decoder.pos, clock, length, isSkip: content === SKIP, needs: needs ?? NOTHING }
}

const NOTHING: readonly number[] = []

function readId(decoder: SpanDecoder, ids: number[] = []): number[] {
  ids.push(decoding.readVarUint(decoder), decoding.readVarUint(decoder))
  return ids
}

/** Skips a struct's content and returns how many clocks it takes. */
function skipContent(decoder: SpanDecoder, content: number): number {
  switch (content) {
    case 1: // deleted
      return decoding.readVarUint(decoder)
    case 2: // JSON
      return skipValues(decoder, skipJson)
    case 3: // binary
      skipBytes(decoder)
      return 1
    case 5: // embed
      decoder.beginValue()
      skipJson(decoder)
      return 1
    case 4: // string
      return skipText(decoder)
    case 6: // format
      skipBytes(decoder)
      decoder.beginValue()
      skipJson(decoder)
      return 1
    case 7: // type
      if (NAMED_TYPES.has(decoding.readVarUint(decoder))) skipBytes(decoder)
      return 1
    case 8: // any
      return skipValues(decoder, skipAny)
    case 9: // subdocument
      decoder.spend(STRUCTS_PER_SUBDOCUMENT)
      skipBytes(decoder)
      decoder.beginValue()
      skipAny(decoder)
      return 1
    default:
      throw new Error(`content ${content} is none of Yjs V1`)
  }
}

/** Skips values that stand one after the other, between which Yjs can cut, and returns their number. */
function skipValues(decoder: SpanDecoder, skip: (decoder: SpanDecoder) => void): number {
  const count = decoding.readVarUint(decoder)
  decoder.spend(count / VALUES_PER_STRUCT)
  for (let left = count; left > 0; left--) {
    decoder.beginValue()
    skip(decoder)
  }
  return count
}

function skipEach(decoder: SpanDecoder, skip: (decoder: SpanDecoder) => void): void {
  const count = decoding.readVarUint(decoder)
  decoder.spendInValue(count / VALUES_PER_STRUCT)
  for (let left = count; left > 0; left--) skip(decoder)
}

function skipJson(decoder: SpanDecoder): void {
  const from = decoder.pos
  skipBytes(decoder)
  decoder.spendInValue((decoder.pos - from) / JSON_BYTES_PER_STRUCT)
}

/** Skips a string, or bytes: both begin with their number of bytes. */
function skipBytes(decoder: SpanDecoder): void {
  const bytes = decoding.readVarUint(decoder)
  skip(decoder, bytes)
}

function skip(decoder: SpanDecoder, bytes: number): void {
  decoder.pos += bytes
  if (decoder.pos > decoder.arr.length) throw new Error('the update ends within a struct')
}

/** Skips a string, and returns how many clocks it takes. */
function skipText(decoder: SpanDecoder): number {
  const bytes = decoding.readVarUint(decoder)
  const from = decoder.pos
  skip(decoder, bytes)
  return countCodeUnits(decoder.arr, from, decoder.pos)
}

/** Skips a value in the encoding of lib0. */
function skipAny(decoder: SpanDecoder): void {
  const kind = decoding.readUint8(decoder)
  switch (kind) {
    case 127: // undefined
    case 126: // null
    case 121: // false
    case 120: // true
      return
    case 125:
      return void decoding.readVarInt(decoder)
    case 124:
      return skip(decoder, 4)
    case 123: // a double
    case 122: // a big integer
      return skip(decoder, 8)
    case 119: // string
    case 116: // bytes
      return skipBytes(decoder)
    case 118:
      return skipEach(decoder, skipEntry)
    case 117:
      return skipEach(decoder, skipAny)
    default:
      throw new Error(`value ${kind} is none of lib0`)
  }
}

function skipEntry(decoder: SpanDecoder): void {
  skipBytes(decoder)
  skipAny(decoder)
}
