import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** One client's awareness state as it travels: the JSON is not parsed, `null` (as text) means gone. */
export interface AwarenessState {
  clientId: number
  clock: number
  json: string
}

/** Decodes an awareness update into its states. Throws on bytes that are not one. */
export function decodeAwarenessStates(update: Uint8Array): AwarenessState[] {
  const decoder = decoding.createDecoder(update)
  const count = decoding.readVarUint(decoder)
  const states: AwarenessState[] = []
  for (let i = 0; i < count; i++) {
    const clientId = decoding.readVarUint(decoder)
    const clock = decoding.readVarUint(decoder)
    states.push({ clientId, clock, json: decoding.readVarString(decoder) })
  }
  if (decoding.hasContent(decoder)) throw new Error('bytes follow the last awareness state')
  return states
}

/** Encodes states into one awareness update, the payload of an awareness frame. */
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
