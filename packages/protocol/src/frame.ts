import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { FrameError } from './frame-error.ts'
import { type JoineryMessage, readJoineryMessage, writeJoineryMessage } from './joinery-message.ts'
import { readUint } from './wire-uint.ts'

/** The first varUint of every frame. 0 to 3 are y-websocket's. 74 ('J') is Joinery's own, for clients that asked for it. */
export const MESSAGE = { sync: 0, awareness: 1, auth: 2, queryAwareness: 3, joinery: 74 } as const
const SYNC = { step1: 0, step2: 1, update: 2 } as const

/** One decoded frame. Payloads are views into the bytes of the frame, not copies. */
export type Frame =
  | { type: 'syncStep1'; stateVector: Uint8Array }
  | { type: 'syncStep2'; update: Uint8Array }
  | { type: 'update'; update: Uint8Array }
  | { type: 'awareness'; update: Uint8Array }
  | { type: 'queryAwareness' }
  | { type: 'auth'; reason: string }
  | { type: 'joinery'; message: JoineryMessage | undefined }
  | { type: 'unknown'; number: number }

/** Largest number that is one byte as a varUint. */
const ONE_BYTE_MAX = 127

/** Decodes one frame. Throws {@link FrameError} on bytes that the grammar does not allow, trailing bytes included. */
export function decodeFrame(bytes: Uint8Array): Frame {
  return readShortUpdate(bytes) ?? readWhole(bytes)
}

/** A frame with an update of at most 127 bytes, as nearly all that people type has; undefined for any other. */
function readShortUpdate(bytes: Uint8Array): Frame | undefined {
  const length = bytes[2]
  if (bytes[0] !== MESSAGE.sync || bytes[1] !== SYNC.update || length === undefined) return undefined
  if (length > ONE_BYTE_MAX || bytes.length !== length + 3) return undefined
  return { type: 'update', update: new Uint8Array(bytes.buffer, bytes.byteOffset + 3, length) }
}

function readWhole(bytes: Uint8Array): Frame {
  const decoder = decoding.createDecoder(bytes)
  let frame: Frame
  try {
    frame = readFrame(decoder)
  } catch (cause) {
    if (cause instanceof FrameError) throw cause
    throw new FrameError('the frame ends early or holds a malformed number or string', { cause })
  }
  if (decoding.hasContent(decoder)) throw new FrameError('bytes follow the end of the message')
  return frame
}

function readFrame(decoder: decoding.Decoder): Frame {
  const type = readUint(decoder)
  switch (type) {
    case MESSAGE.sync:
      return readSync(decoder)
    case MESSAGE.awareness:
      return { type: 'awareness', update: decoding.readVarUint8Array(decoder) }
    case MESSAGE.queryAwareness:
      return { type: 'queryAwareness' }
    case MESSAGE.auth:
      if (readUint(decoder) !== 0) throw new FrameError('the only auth message is permission denied (0)')
      return { type: 'auth', reason: decoding.readVarString(decoder) }
    case MESSAGE.joinery:
      return { type: 'joinery', message: readJoineryMessage(decoder) }
    default:
      // Readers of y-websocket's protocol pass over a type that they do not know, whatever it holds.
      decoder.pos = decoder.arr.length
      return { type: 'unknown', number: type }
  }
}

function readSync(decoder: decoding.Decoder): Frame {
  const step = readUint(decoder)
  if (step > SYNC.update) throw new FrameError(`sync message ${step} is not 0 (step 1), 1 (step 2) or 2 (update)`)
  const payload = decoding.readVarUint8Array(decoder)
  if (step === SYNC.step1) return { type: 'syncStep1', stateVector: payload }
  return { type: step === SYNC.step2 ? 'syncStep2' : 'update', update: payload }
}

function encodeSync(step: number, payload: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, MESSAGE.sync)
  encoding.writeVarUint(encoder, step)
  encoding.writeVarUint8Array(encoder, payload)
  return encoding.toUint8Array(encoder)
}

/** Encodes a SyncStep1, which asks the other side for everything that the holder of `stateVector` lacks. */
export function encodeSyncStep1(stateVector: Uint8Array): Uint8Array {
  return encodeSync(SYNC.step1, stateVector)
}
/** Encodes a SyncStep2: the answer to a SyncStep1, with one Yjs V1 update. */
export function encodeSyncStep2(update: Uint8Array): Uint8Array {
  return encodeSync(SYNC.step2, update)
}
/** Encodes an Update frame, with one Yjs V1 update that was made after the sync. */
export function encodeUpdate(update: Uint8Array): Uint8Array {
  return encodeSync(SYNC.update, update)
}
/** Encodes the bytes before the update in the frame of {@link encodeUpdate}. They spare the caller a copy of the update. */
export function encodeUpdateHead(updateBytes: number): Uint8Array {
  let headBytes = 3
  for (let left = updateBytes; left > ONE_BYTE_MAX; left = Math.floor(left / 128)) headBytes++
  const head = new Uint8Array(headBytes)
  head[0] = MESSAGE.sync
  head[1] = SYNC.update
  let left = updateBytes
  for (let at = 2; at < headBytes - 1; at++) {
    head[at] = 128 | (left % 128)
    left = Math.floor(left / 128)
  }
  head[headBytes - 1] = left
  return head
}
/** Encodes an awareness frame with one awareness update ({@link encodeAwarenessStates}). */
export function encodeAwareness(update: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, MESSAGE.awareness)
  encoding.writeVarUint8Array(encoder, update)
  return encoding.toUint8Array(encoder)
}
/** Carries one of Joinery's own messages; only for connections that asked with `joinery=1`. */
export function encodeJoinery(message: JoineryMessage): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, MESSAGE.joinery)
  writeJoineryMessage(encoder, message)
  return encoding.toUint8Array(encoder)
}
/** An awareness frame of no states. It keeps a silent stock client from ending the connection, and changes nobody's presence. */
export const KEEP_ALIVE_FRAME: Uint8Array = encodeAwareness(Uint8Array.of(0))
