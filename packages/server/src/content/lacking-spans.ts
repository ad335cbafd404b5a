import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { encodeStateVector } from './state-vector.ts'
import { type Pace, PER_LOOK, type Steps } from './steps.ts'
import type { ClientSpans, ReadSpans, StructSpan } from './struct-spans.ts'
import type { Clocks } from './waiting-structs.ts'

/** An update and where its structs stand in it. */
export interface SpannedUpdate {
  readonly update: Uint8Array
  readonly spans: ReadSpans
}

/**
 * The steps to the structs of one V1 update that a reader who has everything before `known` lacks. A struct that the reader has in
 * part is cut. The deletions stay whole, as in `Y.diffUpdate`.
 */
export function* lackingSpans({ update, spans }: SpannedUpdate, known: Clocks, pace: Pace): Steps<SpannedUpdate> {
  const clients = new Map<number, ClientSpans>()
  const pieces: Uint8Array[] = []
  let { end } = spans
  let looked = 0
  for (const client of spans.clients.values()) {
    const clock = known.get(client.id) ?? 0
    const structs: StructSpan[] = []
    for (const struct of client.structs) {
      if (++looked % PER_LOOK === 0 && pace.isOver) yield
      if (struct.clock + struct.length <= clock) continue
      if (struct.clock >= clock) structs.push(struct)
      else if (!struct.isSkip) {
        const piece = restOf(client.id, struct.clock, update.subarray(struct.from, struct.to), clock)
        const { length, needs } = struct
        structs.push({
          from: end,
          to: end + piece.length,
          clock,
          length: struct.clock + length - clock,
          isSkip: false,
          needs,
        })
        pieces.push(piece)
        end += piece.length
      }
    }
    if (structs.some(({ isSkip }) => !isSkip)) clients.set(client.id, { id: client.id, structs, next: 0 })
  }
  if (pieces.length === 0) return { update, spans: { clients, end } }
  // The pieces stand between the structs and the deletions.
  const withPieces = Buffer.concat([update.subarray(0, spans.end), ...pieces, update.subarray(spans.end)])
  return { update: withPieces, spans: { clients, end } }
}

/** The bytes of a struct without what it has before `from`. */
function restOf(client: number, clock: number, struct: Uint8Array, from: number): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [1, 1, client, clock]) encoding.writeVarUint(encoder, number)
  encoding.writeUint8Array(encoder, struct)
  encoding.writeVarUint(encoder, 0)
  const rest = Y.diffUpdate(encoding.toUint8Array(encoder), encodeStateVector(new Map([[client, from]])))
  const decoder = decoding.createDecoder(rest)
  for (let numbers = 4; numbers > 0; numbers--) decoding.readVarUint(decoder)
  return rest.subarray(decoder.pos, -1)
}
