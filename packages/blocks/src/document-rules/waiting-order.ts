import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { NeighbourOrder } from './neighbour-order.ts'
import { readWaiting } from './read-waiting.ts'
import { StructGraph } from './struct-graph.ts'
import type { ReadItem, ReadUpdate, StructId } from './update-reader.ts'

/**
 * Makes waiting items garbage that `update` may free and that would spoil their list: their neighbours were not known when they
 * came. Garbage takes their clocks, so that what follows them under their client id goes on. The room logs and sends the garbage
 * with the update that frees it.
 */
export function spoilWaiting(doc: Y.Doc, update: ReadUpdate): void {
  const { pendingStructs } = doc.store
  if (pendingStructs === null) return
  const waiting = readWaiting(doc)
  if (waiting === undefined) return
  const mayFree = [...update.structs.keys()].some(
    (client) => pendingStructs.missing.has(client) || waiting.structs.has(client),
  )
  if (!mayFree) return
  const order = new NeighbourOrder(new StructGraph(doc, [update, waiting]))
  const items = [...waiting.structs.values()].flat().filter((struct) => struct.kind === 'item')
  const isSpoiled = (item: ReadItem): boolean =>
    statesBefore(doc, update, item).some((state) => typeof order.check(item, state) === 'object')
  const spoiled = new Set(items.filter(isSpoiled))
  if (spoiled.size === 0) return
  for (let size = 0; size < spoiled.size; ) {
    size = spoiled.size
    for (const item of items) if (buildsOn(item, spoiled)) spoiled.add(item)
  }
  pendingStructs.update = withGarbage(pendingStructs.update, spoiled)
}

/**
 * The clocks that may be the first unknown one of the item's client when the item is integrated: where structs of the update, of
 * which some may wait, too, end within the item. Otherwise the item's own clock.
 */
function statesBefore(doc: Y.Doc, update: ReadUpdate, { client, clock, length }: ReadItem): number[] {
  const ends = (update.structs.get(client) ?? []).map((struct) => struct.clock + struct.length)
  const within = [Y.getState(doc.store, client), ...ends].filter((end) => end > clock && end < clock + length)
  return within.length === 0 ? [clock] : within
}

/** Yjs may split what stands beside garbage, and nobody would hear of it. */
function buildsOn({ origin, rightOrigin, parent }: ReadItem, spoiled: ReadonlySet<ReadItem>): boolean {
  const ids = [origin, rightOrigin, typeof parent === 'object' ? parent : undefined]
  return ids.some((id) => id !== undefined && [...spoiled].some((item) => holds(item, id)))
}

function holds({ client, clock, length }: StructId & { length: number }, id: StructId): boolean {
  return id.client === client && id.clock >= clock && id.clock < clock + length
}

/** Rewrites an update in Yjs's second format, in which it keeps what waits. */
function withGarbage(update: Uint8Array, spoiled: ReadonlySet<ReadItem>): Uint8Array {
  const garbage = new Set([...spoiled].map(({ client, clock }) => `${client} ${clock}`))
  const byClient = new Map<number, (Y.Item | Y.GC | Y.Skip)[]>()
  for (const struct of Y.decodeUpdateV2(update).structs) {
    const { client, clock } = struct.id
    const structs = byClient.get(client) ?? []
    byClient.set(client, structs)
    structs.push(garbage.has(`${client} ${clock}`) ? new Y.GC(struct.id, struct.length) : struct)
  }
  const encoder = new Y.UpdateEncoderV2()
  encoding.writeVarUint(encoder.restEncoder, byClient.size)
  for (const [client, structs] of byClient) {
    encoding.writeVarUint(encoder.restEncoder, structs.length)
    encoder.writeClient(client)
    encoding.writeVarUint(encoder.restEncoder, structs[0]?.id.clock ?? 0)
    for (const struct of structs) struct.write(encoder, 0)
  }
  // Deletions that wait are kept apart.
  encoding.writeVarUint(encoder.restEncoder, 0)
  return encoder.toUint8Array()
}
