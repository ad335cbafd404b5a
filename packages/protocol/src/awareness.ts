import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { FrameError } from './frame-error.ts'
import { readUint } from './wire-uint.ts'

/** Field of a presence state that the server sets: the actor of the client's token. */
export const PRESENCE_ACTOR_KEY = 'joinery:actor'

/** The awareness state of one client. `json` is well-formed JSON text, and exactly `null` when the client is gone. */
export interface AwarenessState {
  clientId: number
  clock: number
  json: string
}

/** Bytes of the smallest state: a client id, a clock and the length of a text take at least one byte each. */
const STATE_BYTES_MIN = 3

/**
 * Decodes an awareness update into its states. Throws {@link FrameError} on bytes that are no awareness update, and on a state
 * that is not JSON: a stock client would throw on it, since it parses states without a catch.
 */
export function decodeAwarenessStates(update: Uint8Array): AwarenessState[] {
  const decoder = decoding.createDecoder(update)
  try {
    return readStates(decoder)
  } catch (cause) {
    if (cause instanceof FrameError) throw cause
    throw new FrameError('the awareness update ends early or holds a malformed number, string or state', { cause })
  }
}

function readStates(decoder: decoding.Decoder): AwarenessState[] {
  const count = readUint(decoder)
  const bytesLeft = decoder.arr.length - decoder.pos
  if (count > bytesLeft / STATE_BYTES_MIN)
    throw new FrameError(`${count} awareness states do not fit ${bytesLeft} bytes`)
  const states: AwarenessState[] = []
  for (let i = 0; i < count; i++) {
    const clientId = readUint(decoder)
    const clock = readUint(decoder)
    const json = decoding.readVarString(decoder)
    // " null" means that the client is gone, too. With one spelling, callers can compare texts.
    states.push({ clientId, clock, json: JSON.parse(json) === null ? 'null' : json })
  }
  if (decoding.hasContent(decoder)) throw new FrameError('bytes follow the last awareness state')
  return states
}

/** Encodes states as one awareness update, which is the payload of an awareness frame. */
export function encodeAwarenessStates(states: readonly AwarenessState[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, states.length)
  for (const state of states) {
    encoding.writeVarUint(encoder, state.clientId)
    encoding.writeVarUint(encoder, state.clock)
    encoding.writeVarString(encoder, state.json)
  }
  return encoding.toUint8Array(encoder)
}
