import * as decoding from 'lib0/decoding'
import { JSON_DEPTH_MAX } from '../json.ts'
import { refuse } from './refusal.ts'
import { Refused } from './update-limits.ts'

/** lib0's tags, one for each kind of encoded value. */
const ANY = {
  bytes: 116,
  array: 117,
  object: 118,
  string: 119,
  bigint: 122,
  float64: 123,
  float32: 124,
  integer: 125,
  lowest: 116,
  highest: 127,
} as const

/** Walks through one value that lib0 wrote, without building it. Throws {@link Refused} `too_deep` and `bad_update`. */
export function checkAny(decoder: decoding.Decoder, depth = 0): void {
  if (depth > JSON_DEPTH_MAX) throw tooDeep()
  const tag = decoding.readUint8(decoder)
  switch (tag) {
    case ANY.object: {
      const length = decoding.readVarUint(decoder)
      for (let i = 0; i < length; i++) {
        decoding.readVarString(decoder)
        checkAny(decoder, depth + 1)
      }
      return
    }
    case ANY.array: {
      const length = decoding.readVarUint(decoder)
      for (let i = 0; i < length; i++) checkAny(decoder, depth + 1)
      return
    }
    case ANY.bytes:
    case ANY.string:
      skip(decoder, decoding.readVarUint(decoder))
      return
    case ANY.integer:
      decoding.readVarInt(decoder)
      return
    case ANY.float32:
      skip(decoder, 4)
      return
    case ANY.float64:
    case ANY.bigint:
      skip(decoder, 8)
      return
    default:
      if (tag < ANY.lowest || tag > ANY.highest) {
        throw new Refused(
          refuse('bad_update', `The update is no Yjs V1 update: it holds a value of unknown kind ${tag}`),
        )
      }
  }
}

/**
 * Checks a value that is written as JSON text, before it is built: `JSON.parse` would round numbers silently, and a value that
 * nests too deep would overflow the stack. Throws {@link Refused} `too_deep` and `bad_update`.
 */
export function checkJsonText(text: string): void {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') at = endOfString(text, at)
    else if (char === '[' || char === '{') {
      depth += 1
      if (depth > JSON_DEPTH_MAX) throw tooDeep()
    } else if (char === ']' || char === '}') depth -= 1
    else if (isDigit(char)) at = checkNumber(text, at)
  }
}

/** Index of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '"') return at
  }
  return text.length
}

/** Index of the last character of the number that begins at `start`. Throws for an integer that a JavaScript number can't hold. */
function checkNumber(text: string, start: number): number {
  let end = start
  while (isDigit(text[end + 1])) end += 1
  const digits = text.slice(start, end + 1)
  const isInteger = !'.eE'.includes(text[end + 1] ?? ' ')
  while (NUMBER_CHARS.includes(text[end + 1] ?? ' ')) end += 1
  if (!isInteger || digits.length <= DIGITS_EXACT) return end
  const value = Number(digits)
  if (digits.length <= DIGITS_MAX && BigInt(digits) === BigInt(value)) return end
  throw new Refused(
    refuse('bad_update', `The number ${digits.slice(0, 40)} would be rounded: write integers beyond 2^53 as text`),
  )
}

const NUMBER_CHARS = '0123456789.eE+-'
/** Each replica holds an integer of so many digits exactly. */
const DIGITS_EXACT = 15
/** The greatest number has so many digits. */
const DIGITS_MAX = 309

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= '0' && char <= '9'
}

function skip(decoder: decoding.Decoder, length: number): void {
  if (decoder.pos + length > decoder.arr.length) {
    throw new Refused(refuse('bad_update', 'The update is no Yjs V1 update: it ends within a value'))
  }
  decoder.pos += length
}

function tooDeep(): Refused {
  return new Refused(refuse('too_deep', `A value nests deeper than ${JSON_DEPTH_MAX} levels: nest it less`))
}
