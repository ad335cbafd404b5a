import * as decoding from 'lib0/decoding'
import { isForbiddenKey, JSON_DEPTH_MAX } from '../json.ts'
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

/** Walks through one value that lib0 wrote, without building it. Throws {@link Refused} `too_deep` and `forbidden_key`. */
export function checkAny(decoder: decoding.Decoder, depth = 0): void {
  if (depth > JSON_DEPTH_MAX) throw tooDeep()
  const tag = decoding.readUint8(decoder)
  switch (tag) {
    case ANY.object: {
      const length = decoding.readVarUint(decoder)
      for (let i = 0; i < length; i++) {
        checkKey(decoding.readVarString(decoder))
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

/** Checks a value that was parsed from JSON text, in the same way. */
export function checkParsedJson(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null) return
  if (depth >= JSON_DEPTH_MAX) throw tooDeep()
  for (const key of Object.keys(value)) {
    if (!Array.isArray(value)) checkKey(key)
    checkParsedJson((value as Record<string, unknown>)[key], depth + 1)
  }
}

function skip(decoder: decoding.Decoder, length: number): void {
  if (decoder.pos + length > decoder.arr.length) {
    throw new Refused(refuse('bad_update', 'The update is no Yjs V1 update: it ends within a value'))
  }
  decoder.pos += length
}

function checkKey(key: string): void {
  if (isForbiddenKey(key))
    throw new Refused(
      refuse('forbidden_key', `The update has the key "${key}", which no document may hold: choose another key`),
    )
}

function tooDeep(): Refused {
  return new Refused(refuse('too_deep', `A value nests deeper than ${JSON_DEPTH_MAX} levels: nest it less`))
}
