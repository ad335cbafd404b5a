import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import {
  BLOCK_SKELETON_CLIENT_MIN,
  BLOCK_SKELETON_LENGTH,
  INCARNATIONS_MAX,
  SKELETON_CLIENT_MIN,
  type Skeleton,
  skeletonClientId,
} from './block-skeleton.ts'
import { isStoredSkeleton } from './document-rules/stored-skeleton.ts'

type Struct = Y.Item | Y.GC | Y.Skip
type Deletions = ReturnType<typeof Y.decodeUpdate>['ds']

/**
 * The edits of `from` that `to` lacks, as one Yjs V1 update for `to`. Blocks by name whose skeleton's client id a writer has used
 * in `to` get the next incarnation there, with everything that was written in them. Everybody who moves the same edits makes the
 * same structs. Returns undefined when no skeleton has to be moved.
 *
 * @param edits The edits as one Yjs V1 update, if `from` may have lost a part of them: a writer's deletions under the client id of
 * a skeleton, which are meant for the writer's own edits, delete the skeleton.
 */
export function moveSkeletons(from: Y.Doc, to: Y.Doc, edits?: Uint8Array): Uint8Array | undefined {
  const moves = new Moves(from, to).all()
  if (moves.size === 0) return undefined
  const known = Y.decodeStateVector(Y.encodeStateVector(to))
  for (const client of moves.keys()) known.delete(client)
  return renamed(edits ?? Y.encodeStateAsUpdate(from, Y.encodeStateVector(known)), moves)
}

/** Whether edits of a document, one Yjs V1 update, bring skeletons or stand in some. */
export function hasSkeletons(doc: Y.Doc, edits: Uint8Array): boolean {
  const known = Y.decodeStateVector(Y.encodeStateVector(doc))
  const { from } = Y.parseUpdateMeta(edits)
  for (const [client, clock] of from) known.set(client, clock)
  return (
    [...from.keys()].some((client) => isStoredSkeleton(doc, client) === true) || touchedSkeletons(doc, known).size > 0
  )
}

/** The client ids of skeletons in which structs beyond a state vector stand. */
export function touchedSkeletons(doc: Y.Doc, stateVector: ReadonlyMap<number, number>): Set<number> {
  const touched = new Set<number>()
  const seen = new Set<Y.AbstractType<unknown>>()
  for (const [client, structs] of doc.store.clients) {
    const known = stateVector.get(client) ?? 0
    for (let at = structs.length - 1; at >= 0; at--) {
      const struct = structs[at]
      if (struct === undefined || struct.id.clock + struct.length <= known) break
      if (!(struct instanceof Y.Item)) continue
      let type = struct.parent
      while (type instanceof Y.AbstractType && !seen.has(type) && type._item !== null) {
        seen.add(type)
        const { id, parent } = type._item
        if (isStoredSkeleton(doc, id.client) === true) touched.add(id.client)
        type = parent
      }
    }
  }
  return touched
}

/**
 * The client ids of skeletons beside which a transaction has put a further incarnation of the same block or part: the one who
 * made that incarnation knew a writer who has used the id.
 */
export function doubledSkeletons({ doc, changed }: Y.Transaction): number[] {
  const doubled: number[] = []
  for (const [type, keys] of changed) {
    if (!(type instanceof Y.Map)) continue
    for (const key of keys) {
      const groups = new Map<string, number[]>()
      for (let item = key === null ? undefined : type._map.get(key); item; item = item.left ?? undefined) {
        if (!isSkeleton(doc, item)) continue
        const origin = JSON.stringify(item.origin)
        groups.set(origin, [...(groups.get(origin) ?? []), item.id.client])
      }
      for (const group of groups.values()) if (group.length > 1) doubled.push(...group)
    }
  }
  return doubled
}

function isSkeleton(doc: Y.Doc, { id }: Y.Item): boolean {
  return id.client >= SKELETON_CLIENT_MIN && id.clock === 0 && isStoredSkeleton(doc, id.client) === true
}

/** The client ids that the skeletons of one document have to have in another. */
class Moves {
  readonly #from: Y.Doc
  readonly #to: Y.Doc
  readonly #known = new Map<number, number>()

  constructor(from: Y.Doc, to: Y.Doc) {
    this.#from = from
    this.#to = to
  }

  all(): Map<number, number> {
    const moves = new Map<number, number>()
    for (const client of this.#from.store.clients.keys()) {
      const moved = this.#of(client)
      if (moved !== client) moves.set(client, moved)
    }
    return moves
  }

  #of(client: number): number {
    if (client < SKELETON_CLIENT_MIN) return client
    const known = this.#known.get(client)
    if (known !== undefined) return known
    const moved = isStoredSkeleton(this.#from, client) === true ? this.#place(client) : client
    this.#known.set(client, moved)
    return moved
  }

  #place(client: number): number {
    const item = this.#from.store.clients.get(client)?.[0]
    if (!(item instanceof Y.Item) || !(item.parent instanceof Y.AbstractType) || item.parentSub === null) return client
    const holder = item.parent._item
    const follows = item.origin === null ? undefined : this.#id(item.origin)
    const { parentSub: name } = item
    for (let incarnation = 0; incarnation < INCARNATIONS_MAX; incarnation++) {
      const skeleton: Skeleton =
        holder === null
          ? { kind: 'block', blockId: name, incarnation, follows }
          : { kind: 'part', parent: this.#id(holder.id), part: name, incarnation, follows }
      const id = skeletonClientId(skeleton)
      // A part of which only garbage is left was a skeleton's. Client ids that nobody has used are free.
      if (!isWriters(this.#from, id) && !isWriters(this.#to, id)) return id
    }
    return client
  }

  #id({ client, clock }: Y.ID): Y.ID {
    return Y.createID(this.#of(client), clock)
  }
}

function isWriters(doc: Y.Doc, client: number): boolean {
  return Y.getState(doc.store, client) > 0 && isStoredSkeleton(doc, client) === false
}

function renamed(update: Uint8Array, moves: ReadonlyMap<number, number>): Uint8Array {
  const nameOf = (client: number): number => moves.get(client) ?? client
  const idOf = (id: Y.ID): Y.ID => {
    const client = nameOf(id.client)
    return client !== id.client && id.clock < lengthOf(client) ? Y.createID(client, id.clock) : id
  }
  const { structs, ds } = Y.decodeUpdate(update)
  const byClient = new Map<number, Struct[]>()
  // The skeletons that stay come first: a moved one has the same structs as the incarnation that is there already.
  const inOrder = [...structs].sort((a, b) => Number(moves.has(a.id.client)) - Number(moves.has(b.id.client)))
  for (const struct of inOrder) {
    const client = nameOf(struct.id.client)
    const list = byClient.get(client) ?? []
    byClient.set(client, list)
    const last = list.at(-1)
    if (last !== undefined && struct.id.clock < last.id.clock + last.length) continue
    // The structs behind a skeleton are the other writer's.
    if (moves.has(struct.id.client) && struct.id.clock >= lengthOf(client)) continue
    struct.id = Y.createID(client, struct.id.clock)
    if (struct instanceof Y.Item) {
      if (struct.origin !== null) struct.origin = idOf(struct.origin)
      if (struct.rightOrigin !== null) struct.rightOrigin = idOf(struct.rightOrigin)
      if (struct.parent instanceof Y.ID) struct.parent = idOf(struct.parent)
    }
    list.push(struct)
  }
  const encoder = new Y.UpdateEncoderV1()
  encoding.writeVarUint(encoder.restEncoder, byClient.size)
  for (const [client, list] of byClient) {
    encoding.writeVarUint(encoder.restEncoder, list.length)
    encoder.writeClient(client)
    encoding.writeVarUint(encoder.restEncoder, list[0]?.id.clock ?? 0)
    for (const struct of list) struct.write(encoder, 0)
  }
  writeDeletions(encoder, ds, nameOf)
  return encoder.toUint8Array()
}

/** Clocks that a skeleton takes. */
function lengthOf(client: number): number {
  return client >= BLOCK_SKELETON_CLIENT_MIN ? BLOCK_SKELETON_LENGTH : 1
}

function writeDeletions(encoder: Y.UpdateEncoderV1, { clients }: Deletions, nameOf: (client: number) => number): void {
  const byClient = new Map<number, { clock: number; len: number }[]>()
  for (const [client, ranges] of clients) {
    const name = nameOf(client)
    byClient.set(name, [...(byClient.get(name) ?? []), ...ranges])
  }
  encoding.writeVarUint(encoder.restEncoder, byClient.size)
  for (const [client, ranges] of byClient) {
    encoding.writeVarUint(encoder.restEncoder, client)
    encoding.writeVarUint(encoder.restEncoder, ranges.length)
    for (const { clock, len } of ranges) {
      encoder.writeDsClock(clock)
      encoder.writeDsLen(len)
    }
  }
}
