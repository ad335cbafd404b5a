import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { Pace, Steps } from './steps.ts'
import {
  type ClientSpans,
  CONTENT,
  HAS_ORIGIN,
  HAS_PARENT_SUB,
  HAS_RIGHT_ORIGIN,
  type ReadSpans,
  type StructSpan,
} from './struct-spans.ts'
import { countCodeUnits } from './utf16-length.ts'

/** Content numbers of Yjs' V1 encoding that hold a sequence. */
const JSON_TEXTS = 2
const STRING = 4
const ANY = 8

/**
 * The steps to the update with its structs of more than `bytesMax` bytes cut into several, as Yjs itself cuts an item that somebody writes
 * into: each piece stands to the right of the one before. A receiver joins them again. Texts and lists of values are cut, and
 * nothing else can be. Returns the same bytes when there is nothing to cut.
 */
export function* cuttingStructs(update: Uint8Array, spans: ReadSpans, bytesMax: number, pace: Pace): Steps<Uint8Array> {
  if (![...spans.clients.values()].some(({ structs }) => structs.some((struct) => isLarge(struct, bytesMax))))
    return update
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, spans.clients.size)
  for (const client of spans.clients.values()) yield* writingClient(encoder, update, client, bytesMax, pace)
  encoding.writeUint8Array(encoder, update.subarray(spans.end))
  return encoding.toUint8Array(encoder)
}

function isLarge({ from, to, length }: StructSpan, bytesMax: number): boolean {
  return to - from > bytesMax && length > 1
}

function* writingClient(
  encoder: encoding.Encoder,
  update: Uint8Array,
  { id, structs }: ClientSpans,
  bytesMax: number,
  pace: Pace,
): Steps<void> {
  const pieces: Uint8Array[] = []
  for (const struct of structs) {
    if (isLarge(struct, bytesMax)) pieces.push(...cut(update, id, struct, bytesMax))
    else pieces.push(update.subarray(struct.from, struct.to))
    if (pace.isOver) yield
  }
  encoding.writeVarUint(encoder, pieces.length)
  encoding.writeVarUint(encoder, id)
  encoding.writeVarUint(encoder, structs[0]?.clock ?? 0)
  for (const piece of pieces) encoding.writeUint8Array(encoder, piece)
}

/** A part of a struct's content: its bytes as the struct would hold it, and how many clocks it takes. */
interface Slice {
  readonly bytes: Uint8Array
  readonly length: number
}

function cut(update: Uint8Array, client: number, struct: StructSpan, bytesMax: number): Uint8Array[] {
  const whole = [update.subarray(struct.from, struct.to)]
  const decoder = decoding.createDecoder(update.subarray(struct.from, struct.to))
  const info = decoding.readUint8(decoder)
  const content = info & CONTENT
  const skipId = (): void => {
    decoding.readVarUint(decoder)
    decoding.readVarUint(decoder)
  }
  if (info & HAS_ORIGIN) skipId()
  const rightFrom = decoder.pos
  if (info & HAS_RIGHT_ORIGIN) skipId()
  const right = decoder.arr.subarray(rightFrom, decoder.pos)
  if ((info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) === 0) {
    if (decoding.readVarUint(decoder) === 1) decoding.readVarString(decoder)
    else skipId()
    if (info & HAS_PARENT_SUB) decoding.readVarString(decoder)
  }
  const first = decoder.arr.subarray(0, decoder.pos)
  const slices = slicesOf(decoder, content, bytesMax)
  if (slices === undefined) return whole
  let { clock } = struct
  return slices.map(({ bytes, length }, at) => {
    const head = at === 0 ? first : headOf(info, client, clock - 1, right)
    clock += length
    return Buffer.concat([head, bytes])
  })
}

/** The bytes before the content of a piece that stands to the right of `clock`. */
function headOf(info: number, client: number, clock: number, right: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeUint8(encoder, info | HAS_ORIGIN)
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, clock)
  encoding.writeUint8Array(encoder, right)
  return encoding.toUint8Array(encoder)
}

function slicesOf(decoder: decoding.Decoder, content: number, bytesMax: number): Slice[] | undefined {
  if (content === STRING) return slicesOfText(decoding.readVarUint8Array(decoder), bytesMax)
  if (content === ANY) return slicesOfList(decoder, () => decoding.readAny(decoder), bytesMax)
  if (content === JSON_TEXTS) return slicesOfList(decoder, () => decoding.readVarString(decoder), bytesMax)
  return undefined
}

/** Cuts a text by its bytes, between two characters: to decode one of megabytes takes longer than a turn. */
function slicesOfText(text: Uint8Array, bytesMax: number): Slice[] {
  const slices: Slice[] = []
  for (let from = 0; from < text.length; ) {
    let to = Math.min(from + Math.max(1, bytesMax), text.length)
    while (to < text.length && continuesCharacter(text[to] as number)) to++
    const encoder = encoding.createEncoder()
    encoding.writeVarUint8Array(encoder, text.subarray(from, to))
    slices.push({ bytes: encoding.toUint8Array(encoder), length: countCodeUnits(text, from, to) })
    from = to
  }
  return slices
}

function continuesCharacter(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

function slicesOfList(decoder: decoding.Decoder, readItem: () => unknown, bytesMax: number): Slice[] {
  const slices: Slice[] = []
  let left = decoding.readVarUint(decoder)
  while (left > 0) {
    const from = decoder.pos
    let length = 0
    while (left > 0 && (length === 0 || decoder.pos - from < bytesMax)) {
      readItem()
      length++
      left--
    }
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, length)
    encoding.writeUint8Array(encoder, decoder.arr.subarray(from, decoder.pos))
    slices.push({ bytes: encoding.toUint8Array(encoder), length })
  }
  return slices
}
