import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import type { ReadSpans } from './struct-spans.ts'

type StateVector = Map<number, number>

/**
 * Number of clients that a state vector names; undefined for bytes that are none. Only the bytes are looked at, and of a state vector
 * that says it names more than `max` no more than the number.
 */
export function countStateVector(bytes: Uint8Array, max: number): number | undefined {
  const decoder = decoding.createDecoder(bytes)
  try {
    const count = decoding.readVarUint(decoder)
    // Each client takes two bytes at least: a number that the bytes can't hold is not counted out.
    if (2 * count > bytes.length) return undefined
    if (count > max) return count
    for (let left = 2 * count; left > 0; left--) decoding.readVarUint(decoder)
    return decoding.hasContent(decoder) ? undefined : count
  } catch {
    return undefined
  }
}

/** Whether bytes are a Yjs state vector, to their last byte. Yjs ignores what follows the end. */
export function isWholeStateVector(bytes: Uint8Array): boolean {
  return countStateVector(bytes, Number.POSITIVE_INFINITY) !== undefined
}

export function encodeStateVector(state: StateVector): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, state.size)
  // Higher client ids first, as Yjs writes them, so that equal states give equal bytes.
  for (const [client, clock] of [...state].sort(([a], [b]) => b - a)) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
  }
  return encoding.toUint8Array(encoder)
}

/**
 * Advances `state` by the structs of an update that follow without a gap. A struct after a gap must not count: a state
 * vector that claims too much makes clients keep back edits that the server lacks.
 *
 * @returns true when every struct of the update is new and follows without a gap
 */
export function advanceStateVector(state: StateVector, { clients }: ReadSpans): boolean {
  let isNext = true
  for (const { id, structs } of clients.values()) {
    let known = state.get(id) ?? 0
    for (const { clock, length, isSkip } of structs) {
      if (isSkip) continue
      if (clock !== known) isNext = false
      if (clock <= known) known = Math.max(known, clock + length)
    }
    if (known > 0) state.set(id, known)
  }
  return isNext
}

/** The state vector of a document, as if it had nothing of one client. */
export function stateVectorWithout(doc: Y.Doc, client: number | undefined): Uint8Array {
  const state = Y.decodeStateVector(Y.encodeStateVector(doc))
  if (client !== undefined) state.delete(client)
  return encodeStateVector(state)
}
