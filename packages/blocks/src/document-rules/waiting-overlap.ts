import { type BlocksRefusal, refuse } from './refusal.ts'
import { isSameId, originAt } from './struct-graph.ts'
import type { ReadStruct, ReadUpdate } from './update-reader.ts'

/**
 * Refuses an update that has an item under clocks which wait already, at another place. Yjs joins both versions: it would put the
 * rest of the longer one behind the shorter one, where nobody has checked it. A client that connects again sends what waits at its
 * old place, whole, in part or deleted.
 */
export function checkWaitingOverlap(update: ReadUpdate, waiting: ReadUpdate): BlocksRefusal | undefined {
  for (const [client, structs] of update.structs) {
    const waitingStructs = waiting.structs.get(client)
    if (waitingStructs === undefined) continue
    let index = 0
    for (const struct of structs) {
      for (; index < waitingStructs.length; index++) {
        const other = waitingStructs[index] as ReadStruct
        if (other.clock >= struct.clock + struct.length) break
        if (other.clock + other.length > struct.clock && !isAtOnePlace(struct, other)) return displaced(client)
        // The next struct of the update may overlap it, too.
        if (other.clock + other.length > struct.clock + struct.length) break
      }
    }
  }
  return undefined
}

/** Whether an item of an update stands where the one stands that waits under the same clocks. Garbage needs no place. */
function isAtOnePlace(struct: ReadStruct, waiting: ReadStruct): boolean {
  if (struct.kind !== 'item' || waiting.kind === 'skip') return true
  if (waiting.kind !== 'item') return false
  const id = { client: struct.client, clock: Math.max(struct.clock, waiting.clock) }
  if (!isSameId(originAt(struct, id), originAt(waiting, id))) return false
  if (!isSameId(struct.rightOrigin, waiting.rightOrigin)) return false
  if (struct.clock !== waiting.clock) return true
  const { parent, parentSub } = struct
  if (parentSub !== waiting.parentSub) return false
  return typeof parent === 'object' && typeof waiting.parent === 'object'
    ? isSameId(parent, waiting.parent)
    : parent === waiting.parent
}

function displaced(client: number): BlocksRefusal {
  return refuse(
    'bad_update',
    `Client id ${client} has sent another item under the same clock, which still waits: a client id writes each clock once, so make a new Y.Doc`,
  )
}
