import * as decoding from 'lib0/decoding'

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
  const decoder = decoding.createDecoder(update)
  const clients = new Map<number, ClientSpans>()
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const count = decoding.readVarUint(decoder)
    const id = decoding.readVarUint(decoder)
    let clock = decoding.readVarUint(decoder)
    const structs: StructSpan[] = []
    for (let at = 0; at < count; at++) {
      const struct = readStruct(decoder, clock)
      structs.push(struct)
      clock += struct.length
    }
    clients.set(id, { id, structs, next: 0 })
  }
  return { clients, end: decoder.pos }
}

/**
 * Counts the structs of one Yjs V1 update, up to one more than `max`. An update that can't be read counts as one that has more, since
 * nobody knows what Yjs makes of it.
 */
export function countStructs(update: Uint8Array, max: number): number {
  try {
    return passStructs(decoding.createDecoder(update), max)
  } catch {
    return max + 1
  }
}

/**
 * Whether one Yjs V1 update has at most `max` structs and ranges of deletions: Yjs makes an object of each. False also for one that
 * can't be read.
 */
export function hasAtMost(update: Uint8Array, max: number): boolean {
  // Two bytes are the smallest struct, and the smallest range.
  if (update.length <= 2 * max) return true
  try {
    const decoder = decoding.createDecoder(update)
    const structs = passStructs(decoder, max)
    return structs <= max && hasFewRanges(decoder, max - structs)
  } catch {
    return false
  }
}

/** Reads over all structs and counts them. Ends with one more than `max` as soon as the counts in the update tell of more. */
function passStructs(decoder: decoding.Decoder, max: number): number {
  let structs = 0
  for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
    const count = decoding.readVarUint(decoder)
    structs += count
    if (structs > max) return max + 1
    decoding.readVarUint(decoder)
    let clock = decoding.readVarUint(decoder)
    for (let at = 0; at < count; at++) clock += readStruct(decoder, clock).length
  }
  return structs
}

/** Reads over the ranges of deletions behind the structs, unless there are more than `max`. */
function hasFewRanges(decoder: decoding.Decoder, max: number): boolean {
  let left = max
  for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
    decoding.readVarUint(decoder)
    const count = decoding.readVarUint(decoder)
    left -= count
    if (left < 0) return false
    for (let at = 0; at < 2 * count; at++) decoding.readVarUint(decoder)
  }
  return true
}

function readStruct(decoder: decoding.Decoder, clock: number): StructSpan {
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

function readId(decoder: decoding.Decoder, ids: number[] = []): number[] {
  ids.push(decoding.readVarUint(decoder), decoding.readVarUint(decoder))
  return ids
}

/** Skips a struct's content and returns how many clocks it takes. */
function skipContent(decoder: decoding.Decoder, content: number): number {
  switch (content) {
    case 1: // deleted
      return decoding.readVarUint(decoder)
    case 2: // JSON
      return skipEach(decoder, skipBytes)
    case 3: // binary
    case 5: // embed
      skipBytes(decoder)
      return 1
    case 4: // string
      return skipText(decoder)
    case 6: // format
      skipBytes(decoder)
      skipBytes(decoder)
      return 1
    case 7: // type
      if (NAMED_TYPES.has(decoding.readVarUint(decoder))) skipBytes(decoder)
      return 1
    case 8: // any
      return skipEach(decoder, skipAny)
    case 9: // subdocument
      skipBytes(decoder)
      skipAny(decoder)
      return 1
    default:
      throw new Error(`content ${content} is none of Yjs V1`)
  }
}

function skipEach(decoder: decoding.Decoder, skip: (decoder: decoding.Decoder) => void): number {
  const count = decoding.readVarUint(decoder)
  for (let left = count; left > 0; left--) skip(decoder)
  return count
}

/** Skips a string, or bytes: both begin with their number of bytes. */
function skipBytes(decoder: decoding.Decoder): void {
  const bytes = decoding.readVarUint(decoder)
  skip(decoder, bytes)
}

function skip(decoder: decoding.Decoder, bytes: number): void {
  decoder.pos += bytes
  if (decoder.pos > decoder.arr.length) throw new Error('the update ends within a struct')
}

/** The UTF-16 code units of a string in UTF-8, which Yjs counts as clocks. */
function skipText(decoder: decoding.Decoder): number {
  const bytes = decoding.readVarUint(decoder)
  const from = decoder.pos
  skip(decoder, bytes)
  let units = 0
  for (let at = from; at < decoder.pos; at++) {
    const byte = decoder.arr[at] as number
    // Each character has one byte that continues none; one of four bytes takes two code units.
    if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1
  }
  return units
}

/** Skips a value in the encoding of lib0. */
function skipAny(decoder: decoding.Decoder): void {
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
      return void skipEach(decoder, skipEntry)
    case 117:
      return void skipEach(decoder, skipAny)
    default:
      throw new Error(`value ${kind} is none of lib0`)
  }
}

function skipEntry(decoder: decoding.Decoder): void {
  skipBytes(decoder)
  skipAny(decoder)
}
