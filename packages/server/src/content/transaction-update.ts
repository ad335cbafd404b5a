import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

/** Size of the shared encoder, bytes: many times an update of typing. A larger update gets an encoder of its own. */
const ENCODER_BYTES = 4_096

/**
 * All transactions share one encoder: a new one for each made an array outside of V8's heap, which took a fortieth of
 * the CPU of typing. Encoding calls nothing that encodes another transaction.
 */
let shared = newEncoder()

/** A client and the clock from which on its structs are new. */
type News = readonly [client: number, clock: number]

/**
 * Encodes a transaction as one Yjs V1 update, byte for byte as Yjs emits it. Undefined when the transaction changed
 * nothing. Yjs itself goes through all clients of the document three times, and makes two maps of them. Every block has
 * a client id of its own, so on a board of a thousand blocks this took a sixth of each edit.
 */
export function encodeTransaction({ doc, beforeState, deleteSet }: Y.Transaction): Uint8Array | undefined {
  const { clients } = doc.store
  const news: News[] = []
  for (const [client, structs] of clients) {
    const last = structs[structs.length - 1]
    const before = beforeState.get(client) ?? 0
    if (last !== undefined && last.id.clock + last.length > before) news.push([client, before])
  }
  if (news.length === 0 && deleteSet.clients.size === 0) return undefined
  const encoder = emptyEncoder()
  encoding.writeVarUint(encoder.restEncoder, news.length)
  // Yjs's own order. With it a receiver already has most of the structs that the next ones refer to.
  news.sort(([a], [b]) => b - a)
  for (const [client, clock] of news) writeStructs(encoder, client, clients.get(client) ?? [], clock)
  writeDeletions(encoder, deleteSet)
  return encoded(encoder)
}

function newEncoder(): Y.UpdateEncoderV1 {
  const made = new Y.UpdateEncoderV1()
  made.restEncoder.cbuf = new Uint8Array(ENCODER_BYTES)
  return made
}

/** The shared encoder, emptied also if encoding the transaction before threw. */
function emptyEncoder(): Y.UpdateEncoderV1 {
  if (shared.restEncoder.bufs.length > 0) shared = newEncoder()
  shared.restEncoder.cpos = 0
  return shared
}

/** A copy of the bytes that `encoder` holds. */
function encoded({ restEncoder }: Y.UpdateEncoderV1): Uint8Array {
  const { bufs, cbuf, cpos } = restEncoder
  return bufs.length > 0 ? encoding.toUint8Array(restEncoder) : cbuf.slice(0, cpos)
}

function writeStructs(encoder: Y.UpdateEncoderV1, client: number, structs: (Y.Item | Y.GC)[], from: number): void {
  const start = Y.findIndexSS(structs, from)
  encoding.writeVarUint(encoder.restEncoder, structs.length - start)
  encoder.writeClient(client)
  encoding.writeVarUint(encoder.restEncoder, from)
  // Only the first struct may have begun before the transaction: Yjs has merged the new one into it.
  for (let index = start; index < structs.length; index++) {
    const struct = structs[index] as Y.Item | Y.GC
    struct.write(encoder, Math.max(0, from - struct.id.clock))
  }
}

function writeDeletions(encoder: Y.UpdateEncoderV1, deleteSet: Y.Transaction['deleteSet']): void {
  // Observers may have deleted more since Yjs sorted them.
  const { clients } = Y.mergeDeleteSets([deleteSet])
  encoding.writeVarUint(encoder.restEncoder, clients.size)
  for (const [client, ranges] of [...clients].sort(([a], [b]) => b - a)) {
    encoder.resetDsCurVal()
    encoding.writeVarUint(encoder.restEncoder, client)
    encoding.writeVarUint(encoder.restEncoder, ranges.length)
    for (const { clock, len } of ranges) {
      encoder.writeDsClock(clock)
      encoder.writeDsLen(len)
    }
  }
}
