import fc from 'fast-check'
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import { decodeFrame, encodeJoinery, MESSAGE } from './frame.ts'
import { FrameError } from './frame-error.ts'
import { BODY_DEPTH_MAX, type JoineryMessage, LEASE_TOKEN_LENGTH_MAX } from './joinery-message.ts'
import { joineryMessages } from './testing/frame-sample.ts'

const SUBTYPE = { hello: 0, durable: 1, rejected: 2, conflict: 3, keyed: 7, keyedResult: 8 }

function frameOf(subtype: number, body: unknown): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, MESSAGE.joinery)
  encoding.writeVarUint(encoder, subtype)
  encoding.writeVarString(encoder, typeof body === 'string' ? body : JSON.stringify(body))
  return encoding.toUint8Array(encoder)
}

function messageOf(bytes: Uint8Array): JoineryMessage | undefined {
  const frame = decodeFrame(bytes)
  if (frame.type !== 'joinery') throw new Error(`decoded as ${frame.type}`)
  return frame.message
}

const hello = {
  generation: 'g1',
  serverVersion: '0.1.0',
  durability: 'async',
  actor: 'ada',
  source: 'user_action',
  access: 'write',
  updateBytesMax: 1024,
}
const rejected = { frame: 1, code: 'read_only', reason: 'no' }
const applied = { key: 'k', outcome: 'applied', lsn: 7 }
const refused = { key: 'k', outcome: 'refused', code: 'read_only', reason: 'no' }
const conflict = { block: 'b', field: 'content', winner: 1, loser: null, rule: 'M2' }

describe('Joinery’s own message', () => {
  it('[W10] a message of every kind is read back as it was written', () => {
    fc.assert(
      fc.property(joineryMessages, (message) => {
        expect(messageOf(encodeJoinery(message))).toEqual(message)
      }),
    )
  })

  it('[W11] durable takes five bytes when its numbers are small', () => {
    expect(encodeJoinery({ type: 'durable', frames: 3, lsn: 200 })).toEqual(Uint8Array.of(74, 1, 3, 0xc8, 0x01))
  })

  it.each([
    ['no text', '', /malformed/],
    ['text that is no JSON', '{"generation":', /malformed/],
    ['null', null, /not a JSON object/],
    ['a list', [hello], /not a JSON object/],
    ['a number', 7, /not a JSON object/],
    ['JSON nested deeper than a stack', '['.repeat(200_000) + ']'.repeat(200_000), /./],
  ])('[W12] a message is refused when its body is %s', (_, body, message) => {
    const decode = () => decodeFrame(frameOf(SUBTYPE.hello, body))
    expect(decode).toThrow(FrameError)
    expect(decode).toThrow(message)
  })

  const fields: [keyof typeof SUBTYPE, Record<string, unknown>, string, unknown[]][] = [
    ['hello', hello, 'generation', [undefined, null, 1, {}, ['g']]],
    ['hello', hello, 'serverVersion', [undefined, 1]],
    ['hello', hello, 'durability', [undefined, 'raid', 1, '__proto__']],
    ['hello', hello, 'actor', [undefined, null]],
    ['hello', hello, 'source', [undefined, false]],
    ['hello', hello, 'access', [undefined, 'admin', ['read']]],
    ['hello', hello, 'updateBytesMax', [undefined, 0, -1, 1.5, '1024', 2 ** 53, null]],
    ['rejected', rejected, 'frame', [undefined, 0, -1, 1.5, '1', 2 ** 53]],
    ['rejected', rejected, 'code', [undefined, 7]],
    ['rejected', rejected, 'reason', [undefined, {}]],
    ['conflict', conflict, 'block', [undefined, 7]],
    ['conflict', conflict, 'field', [undefined, []]],
    ['conflict', conflict, 'rule', [undefined, 2]],
    ['keyedResult', applied, 'key', [undefined, 2]],
    ['keyedResult', applied, 'outcome', [undefined, 'lost', 1]],
    ['keyedResult', applied, 'lsn', [undefined, 0, '7']],
    ['keyedResult', refused, 'code', [undefined, 7]],
    ['keyedResult', refused, 'reason', [undefined, null]],
  ]
  it.each(fields)('[W12] %s %j is refused when its %s is of another type', (type, body, field, values) => {
    expect(messageOf(frameOf(SUBTYPE[type], body))).toStrictEqual({ type, ...body })
    for (const value of values) {
      const decode = () => decodeFrame(frameOf(SUBTYPE[type], { ...body, [field]: value }))
      expect(decode).toThrow(FrameError)
      expect(decode).toThrow(field)
    }
  })

  it('[W12] fields of a newer server are left out, and a type in the body changes nothing', () => {
    const body = { ...hello, type: 'durable', region: 'eu' }
    expect(messageOf(frameOf(SUBTYPE.hello, body))).toStrictEqual({ ...hello, type: 'hello' })
  })

  it('[W13] keys named __proto__ are dropped at every depth when a message is read', () => {
    const evil = '{"__proto__":{"isAdmin":true},"deep":[{"__proto__":{"isAdmin":true},"kept":1}]}'
    const text = `{"__proto__":{"isAdmin":true},"block":"b","field":"f","winner":${evil},"loser":1,"rule":"M2"}`
    const message = messageOf(frameOf(SUBTYPE.conflict, text))
    expect(message).toStrictEqual({
      type: 'conflict',
      block: 'b',
      field: 'f',
      winner: { deep: [{ kept: 1 }] },
      loser: 1,
      rule: 'M2',
    })
    expect(JSON.stringify(message)).not.toContain('isAdmin')
    expect(Object.assign({}, message)).not.toHaveProperty('isAdmin')
    expect({}).not.toHaveProperty('isAdmin')
  })

  it('[W13] a key that is spelt with escapes is dropped as well', () => {
    const text = String.raw`{"block":"b","field":"f","winner":[{"__pr\u006fto__":1,"kept":2}],"loser":1,"rule":"M2"}`
    const message = messageOf(frameOf(SUBTYPE.conflict, text))
    expect(message).toMatchObject({ winner: [{ kept: 2 }] })
    expect(JSON.stringify(message)).not.toContain('__proto__')
  })

  it('[W13] a body may be nested as deep as a value of a document, and not so deep that recursion over it fails', () => {
    const nested = (levels: number) => {
      const value = '['.repeat(levels) + ']'.repeat(levels)
      return frameOf(SUBTYPE.conflict, `{"block":"b","field":"f","winner":${value},"loser":1,"rule":"M2"}`)
    }
    expect(messageOf(nested(BODY_DEPTH_MAX - 1))).toMatchObject({ type: 'conflict' })
    expect(() => messageOf(nested(BODY_DEPTH_MAX))).toThrow(FrameError)
    expect(() => messageOf(nested(BODY_DEPTH_MAX))).toThrow(/1000 levels/)
  })

  it('[W13] a required field is missing when only the prototype in the body has it', () => {
    const { actor, ...others } = hello
    const text = `{"__proto__":{"actor":${JSON.stringify(actor)}},${JSON.stringify(others).slice(1)}`
    expect(() => decodeFrame(frameOf(SUBTYPE.hello, text))).toThrow(/actor/)
  })

  it('[W31] a keyed update under a lease has a subtype of its own, and one without keeps the old one', () => {
    const update = Uint8Array.of(0, 0)
    expect(encodeJoinery({ type: 'keyed', key: 'k', lease: 't', update })).toEqual(
      Uint8Array.of(74, 9, 1, 107, 1, 116, 2, 0, 0),
    )
    expect(messageOf(Uint8Array.of(74, 9, 1, 107, 1, 116, 0))).toEqual({
      type: 'keyed',
      key: 'k',
      lease: 't',
      update: new Uint8Array(),
    })
  })

  it.each([0, LEASE_TOKEN_LENGTH_MAX + 1])(
    '[W31] a keyed update is refused when its lease has %d characters',
    (length) => {
      const bytes = encodeJoinery({ type: 'keyed', key: 'k', lease: 't'.repeat(length), update: Uint8Array.of(0, 0) })
      expect(() => messageOf(bytes)).toThrow(FrameError)
    },
  )

  it('[W25] a keyed update is its key and its bytes, and none when it only asks', () => {
    const update = Uint8Array.of(0, 0)
    expect(encodeJoinery({ type: 'keyed', key: 'k1', update })).toEqual(Uint8Array.of(74, 7, 2, 107, 49, 2, 0, 0))
    expect(messageOf(Uint8Array.of(74, 7, 1, 107, 0))).toEqual({ type: 'keyed', key: 'k', update: new Uint8Array() })
  })

  it.each([
    ['empty', ''],
    ['longer than 1,024 bytes', 'x'.repeat(1_025)],
    ['longer than 1,024 bytes in UTF-8', 'é'.repeat(513)],
  ])('[W25] a keyed update is refused when its key is %s', (_, key) => {
    const frame = encodeJoinery({ type: 'keyed', key, update: new Uint8Array() })
    expect(() => decodeFrame(frame)).toThrow(FrameError)
    expect(messageOf(encodeJoinery({ type: 'keyed', key: 'é'.repeat(512), update: frame }))).toMatchObject({
      update: frame,
    })
  })

  it('[W14] a message is undefined and no error when a newer server sends its subtype', () => {
    fc.assert(
      fc.property(fc.integer({ min: 11, max: 127 }), fc.uint8Array({ maxLength: 50 }), (subtype, body) => {
        expect(messageOf(Uint8Array.of(MESSAGE.joinery, subtype, ...body))).toBeUndefined()
      }),
    )
  })

  it('[W14] a refusal is read with its code when a newer server sends one we do not know', () => {
    const body = { ...rejected, code: 'out_of_cheese' }
    expect(messageOf(frameOf(SUBTYPE.rejected, body))).toStrictEqual({ type: 'rejected', ...body })
  })

  it('[W15] a conflict without a value is read as undefined', () => {
    const message = encodeJoinery({ type: 'conflict', ...conflict, winner: undefined, loser: undefined })
    expect(messageOf(message)).toMatchObject({ winner: undefined, loser: undefined })
  })
})
