import fc from 'fast-check'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import * as authProtocol from 'y-protocols/auth'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as syncProtocol from 'y-protocols/sync'
import * as Y from 'yjs'
import { decodeAwarenessStates, encodeAwarenessStates } from './awareness.ts'
import {
  decodeFrame,
  encodeAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  encodeUpdateHead,
  KEEP_ALIVE_FRAME,
  MESSAGE,
} from './frame.ts'
import { FrameError } from './frame-error.ts'
import { encodeFrame, frames } from './testing/frame-sample.ts'

/** Writes a frame as y-websocket does: the outer type, then the part that y-protocols writes. */
function stockFrame(type: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, type)
  write(encoder)
  return encoding.toUint8Array(encoder)
}

/** Handles a sync frame as y-websocket does: applies it to `doc`, and returns the body of the answer. */
function stockReadSync(frame: Uint8Array, doc: Y.Doc): { step: number; answer: Uint8Array } {
  const decoder = decoding.createDecoder(frame)
  expect(decoding.readVarUint(decoder)).toBe(MESSAGE.sync)
  const encoder = encoding.createEncoder()
  const step = syncProtocol.readSyncMessage(decoder, encoder, doc, 'remote', (error) => {
    throw error
  })
  expect(decoding.hasContent(decoder)).toBe(false)
  return { step, answer: encoding.toUint8Array(encoder) }
}

function docWith(text: string): Y.Doc {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, text)
  return doc
}

describe('a frame', () => {
  it('[W1] a frame of every kind is read back as it was written', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeFrame(encodeFrame(frame))).toEqual(frame)
      }),
    )
  })

  it('[W1] a frame is refused when bytes follow its end', () => {
    const known = frames.filter((frame) => frame.type !== 'joinery' || frame.message !== undefined)
    fc.assert(
      fc.property(known, fc.uint8Array({ minLength: 1, maxLength: 5 }), (frame, rest) => {
        const bytes = Uint8Array.of(...encodeFrame(frame), ...rest)
        expect(() => decodeFrame(bytes)).toThrow(FrameError)
      }),
    )
  })

  it.each([
    ['no byte', [], /ends early/],
    ['a sync message without a step', [0], /ends early/],
    ['an unknown sync step', [0, 3, 0], /step 1.*step 2.*update/],
    ['a payload that is longer than the frame', [0, 2, 5, 1, 2], /ends early/],
    ['an auth message that is not a denial', [2, 1, 0], /permission denied/],
    ['a reason that is not UTF-8', [2, 0, 2, 0xc3, 0x28], /malformed/],
    ['the type of a number without an end', [0x80, 0x80], /ends early/],
  ])('[W1] a frame is refused when it holds %s', (_, bytes, message) => {
    const decode = () => decodeFrame(Uint8Array.from(bytes))
    expect(decode).toThrow(FrameError)
    expect(decode).toThrow(message)
  })

  it.each([
    ['nothing', [4]],
    ['bytes that no grammar allows', [9, 0xff, 0xff]],
    ['a type of two bytes', [0x80, 0x02, 1]],
  ])('[W30] a frame of a type that nobody knows is passed over when behind the type stands %s', (_, bytes) => {
    expect(decodeFrame(Uint8Array.from(bytes))).toMatchObject({ type: 'unknown' })
  })

  it('[W1] a frame gives its payload as a view when it is decoded', () => {
    const bytes = encodeUpdate(Uint8Array.of(7, 8, 9))
    const frame = decodeFrame(bytes)
    if (frame.type !== 'update') throw new Error(`decoded as ${frame.type}`)
    expect(frame.update.buffer).toBe(bytes.buffer)
  })

  it('[W5] a number is refused when it is over 2^53 − 1', () => {
    const largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]
    const larger = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]
    const state = (id: number[]) => Uint8Array.of(1, ...id, 0, 1, 0x31)
    expect(decodeAwarenessStates(state(largest))).toEqual([{ clientId: Number.MAX_SAFE_INTEGER, clock: 0, json: '1' }])
    expect(() => decodeAwarenessStates(state(larger))).toThrow(FrameError)
    for (const id of [larger, Array(20).fill(0xff)]) {
      expect(() => decodeFrame(Uint8Array.of(...id, 0))).toThrow(FrameError)
      expect(() => decodeFrame(Uint8Array.of(74, 1, ...id, 0))).toThrow(FrameError)
    }
  })

  it('[W5] a number is read when it is spelt with more bytes than it needs', () => {
    expect(decodeFrame(Uint8Array.of(0x80, 0x00, 0x82, 0x00, 0x81, 0x00, 7))).toEqual({
      type: 'update',
      update: Uint8Array.of(7),
    })
  })
})

describe('sync frames', () => {
  it('[W2] the head of an update frame and the update after it are the frame', () => {
    for (const length of [0, 1, 127, 128, 16_383, 16_384, 300_000]) {
      const update = new Uint8Array(length).fill(7)
      expect(Buffer.concat([encodeUpdateHead(length), update]).equals(encodeUpdate(update)), `${length}`).toBe(true)
    }
  })

  it('[W2] our frames are y-protocols’ byte for byte when the payload is the same', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const doc = docWith(text)
        const stateVector = Y.encodeStateVector(doc)
        const update = Y.encodeStateAsUpdate(doc)
        expect(encodeSyncStep1(stateVector)).toEqual(
          stockFrame(MESSAGE.sync, (encoder) => syncProtocol.writeSyncStep1(encoder, doc)),
        )
        expect(encodeSyncStep2(update)).toEqual(
          stockFrame(MESSAGE.sync, (encoder) => syncProtocol.writeSyncStep2(encoder, doc)),
        )
        expect(encodeUpdate(update)).toEqual(
          stockFrame(MESSAGE.sync, (encoder) => syncProtocol.writeUpdate(encoder, update)),
        )
      }),
    )
  })

  it('[W2] a stock reader ends with our document when it reads our frames', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (ours, theirs) => {
        const server = docWith(ours)
        const client = docWith(theirs)
        const { step, answer } = stockReadSync(encodeSyncStep1(Y.encodeStateVector(server)), client)
        expect(step).toBe(syncProtocol.messageYjsSyncStep1)
        const reply = decodeFrame(Uint8Array.of(MESSAGE.sync, ...answer))
        if (reply.type !== 'syncStep2') throw new Error(`answered with ${reply.type}`)
        Y.applyUpdate(server, reply.update)
        const update = Y.encodeStateAsUpdate(server, Y.encodeStateVector(client))
        expect(stockReadSync(encodeSyncStep2(update), client).step).toBe(syncProtocol.messageYjsSyncStep2)
        server.getText('t').insert(0, 'later ')
        const later = Y.encodeStateAsUpdate(server, Y.encodeStateVector(client))
        expect(stockReadSync(encodeUpdate(later), client).step).toBe(syncProtocol.messageYjsUpdate)
        expect(client.getText('t').toString()).toBe(server.getText('t').toString())
      }),
    )
  })
})

describe('awareness, query and auth frames', () => {
  it('[W3] a stock reader sees our states when it applies our awareness frame', () => {
    const awareness = new Awareness(new Y.Doc())
    const states = [
      { clientId: 5, clock: 2, json: '{"user":{"name":"Ada"}}' },
      { clientId: 6, clock: 1, json: '{"cursor":[1,2]}' },
    ]
    const decoder = decoding.createDecoder(encodeAwareness(encodeAwarenessStates(states)))
    expect(decoding.readVarUint(decoder)).toBe(MESSAGE.awareness)
    applyAwarenessUpdate(awareness, decoding.readVarUint8Array(decoder), 'remote')
    expect(awareness.getStates().get(5)).toEqual({ user: { name: 'Ada' } })
    expect(awareness.getStates().get(6)).toEqual({ cursor: [1, 2] })
    awareness.destroy()
  })

  it('[W3] we see a stock client’s state and its going when it sends them', () => {
    const awareness = new Awareness(new Y.Doc())
    const { clientID } = awareness
    const send = () => {
      const update = encodeAwarenessUpdate(awareness, [clientID])
      const frame = decodeFrame(
        stockFrame(MESSAGE.awareness, (encoder) => encoding.writeVarUint8Array(encoder, update)),
      )
      if (frame.type !== 'awareness') throw new Error(`decoded as ${frame.type}`)
      return decodeAwarenessStates(frame.update)
    }
    awareness.setLocalState({ name: 'Ada' })
    expect(send()).toEqual([{ clientId: clientID, clock: 1, json: '{"name":"Ada"}' }])
    awareness.setLocalState(null)
    expect(send()).toEqual([{ clientId: clientID, clock: 2, json: 'null' }])
    awareness.destroy()
  })

  it('[W4] a stock query and a stock denial are read when they come', () => {
    expect(decodeFrame(stockFrame(3, () => {}))).toEqual({ type: 'queryAwareness' })
    const denial = stockFrame(2, (encoder) => authProtocol.writePermissionDenied(encoder, 'no ✋'))
    expect(decodeFrame(denial)).toEqual({ type: 'auth', reason: 'no ✋' })
  })

  it('[W8] the keep-alive changes nobody’s presence when a stock client applies it', () => {
    const frame = decodeFrame(KEEP_ALIVE_FRAME)
    if (frame.type !== 'awareness') throw new Error(`decoded as ${frame.type}`)
    expect(decodeAwarenessStates(frame.update)).toEqual([])
    const awareness = new Awareness(new Y.Doc())
    const changes: unknown[] = []
    awareness.on('update', (change: unknown) => changes.push(change))
    applyAwarenessUpdate(awareness, frame.update, 'remote')
    expect(changes).toEqual([])
    awareness.destroy()
  })
})
