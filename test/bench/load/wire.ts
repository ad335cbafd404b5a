import { decodeFrame, encodeSyncStep1, encodeSyncStep2, encodeUpdate, MESSAGE, QUERY } from '@joinery/protocol'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

export type WireName = 'yjs' | 'hocuspocus'

/** The parts of a received frame that the load needs. Payloads are views into the frame. */
export type Incoming =
  | { readonly type: 'stateVector'; readonly payload: Uint8Array }
  | { readonly type: 'state' | 'update'; readonly payload: Uint8Array }
  /** The server calls update frames of this connection saved: the first `frames` of all, or `frames` more. */
  | { readonly type: 'saved'; readonly frames: number; readonly isTotal: boolean }
  | { readonly type: 'authenticated' }
  | { readonly type: 'other' }

/** How a y-protocols sync goes over one server's sockets. */
export interface Wire {
  /** Path and query of the socket for a room. `wantsSaved` asks a server that does not say so by itself what is saved. */
  path(room: string, wantsSaved?: boolean): string
  /** Sent at open; undefined when SyncStep1 may go at once. */
  greeting(room: string): Uint8Array | undefined
  syncStep1(room: string, stateVector: Uint8Array): Uint8Array
  syncStep2(room: string, update: Uint8Array): Uint8Array
  update(room: string, update: Uint8Array): Uint8Array
  /** A frame that changes nothing, for servers that hang up on silence. */
  keepAlive(room: string): Uint8Array
  read(bytes: Uint8Array): Incoming
}

const SYNC_TYPES = ['stateVector', 'state', 'update'] as const

function readSync(decoder: decoding.Decoder): Incoming {
  const type = SYNC_TYPES[decoding.readVarUint(decoder)]
  return type === undefined ? { type: 'other' } : { type, payload: decoding.readVarUint8Array(decoder) }
}

function readSaved(bytes: Uint8Array): Incoming {
  const frame = decodeFrame(bytes)
  if (frame.type !== 'joinery' || frame.message?.type !== 'durable') return { type: 'other' }
  return { type: 'saved', frames: frame.message.frames, isTotal: true }
}

const yjs: Wire = {
  path: (room, wantsSaved) => `/${room}${wantsSaved === true ? `?${QUERY.joinery}=1` : ''}`,
  greeting: () => undefined,
  syncStep1: (_room, stateVector) => encodeSyncStep1(stateVector),
  syncStep2: (_room, update) => encodeSyncStep2(update),
  update: (_room, update) => encodeUpdate(update),
  keepAlive: () => Uint8Array.of(3),
  read(bytes) {
    if (bytes[0] === MESSAGE.joinery) return readSaved(bytes)
    const decoder = decoding.createDecoder(bytes)
    return decoding.readVarUint(decoder) === 0 ? readSync(decoder) : { type: 'other' }
  },
}

/** Hocuspocus puts the document's name before every frame and wants a token, even an empty one, before anything else. */
const HOCUSPOCUS = { sync: 0, auth: 2, queryAwareness: 3, syncReply: 4, syncStatus: 8 } as const

function named(room: string, type: number, body: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, room)
  encoding.writeVarUint(encoder, type)
  encoding.writeUint8Array(encoder, body)
  return encoding.toUint8Array(encoder)
}

/** Both wires share the sync message after its type, which in a y-websocket frame is the one byte at the front. */
function namedSync(room: string, yjsFrame: Uint8Array): Uint8Array {
  return named(room, HOCUSPOCUS.sync, yjsFrame.subarray(1))
}

const hocuspocus: Wire = {
  path: () => '/',
  greeting(room) {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarString(encoder, '')
    encoding.writeVarString(encoder, '4.7.0')
    return named(room, HOCUSPOCUS.auth, encoding.toUint8Array(encoder))
  },
  syncStep1: (room, stateVector) => namedSync(room, encodeSyncStep1(stateVector)),
  syncStep2: (room, update) => namedSync(room, encodeSyncStep2(update)),
  update: (room, update) => namedSync(room, encodeUpdate(update)),
  keepAlive: (room) => named(room, HOCUSPOCUS.queryAwareness, new Uint8Array(0)),
  read(bytes) {
    const decoder = decoding.createDecoder(bytes)
    decoding.readVarString(decoder)
    const type = decoding.readVarUint(decoder)
    if (type === HOCUSPOCUS.sync || type === HOCUSPOCUS.syncReply) return readSync(decoder)
    // Hocuspocus answers each update frame. Its provider shows that as "no unsynced changes".
    if (type === HOCUSPOCUS.syncStatus) {
      return { type: 'saved', frames: decoding.readVarUint(decoder), isTotal: false }
    }
    if (type !== HOCUSPOCUS.auth) return { type: 'other' }
    const verdict = decoding.readVarUint(decoder)
    if (verdict === 1) throw new Error(`Hocuspocus refused: ${decoding.readVarString(decoder)}`)
    return { type: 'authenticated' }
  },
}

export const WIRES: Readonly<Record<WireName, Wire>> = { yjs, hocuspocus }
