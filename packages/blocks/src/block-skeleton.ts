import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { sha256 } from './sha256.ts'

/**
 * The same structs from everyone who creates the same thing, so that concurrent creation merges instead of one side's
 * subtree replacing the other's. A skeleton belongs to no writer: its Yjs client id is a hash of what it is.
 *
 * `follows` is the deleted item under the same key that a re-creation comes after; it is part of the hash since the
 * structs name it as their origin, and one id must never stand for two different structs.
 */
export interface BlockSkeleton {
  readonly kind: 'block'
  readonly blockId: string
  readonly incarnation: number
  readonly follows: Y.ID | undefined
}
/**
 * One part that a block lacks: a part of the block's skeleton that a stock client left out, or the list of a row that came later.
 */
export interface PartSkeleton {
  readonly kind: 'part'
  readonly parent: Y.ID
  readonly part: string
  readonly incarnation: number
  readonly follows: Y.ID | undefined
}
export type Skeleton = BlockSkeleton | PartSkeleton

/** Yjs's own type numbers in V1 updates. */
export const TYPE_REF = { array: 0, map: 1, text: 2 } as const
/** The parts of a block's skeleton. They are its bytes (rule B1), so a part that comes later is no part of it. */
const PART_TYPE_REF = {
  content: TYPE_REF.text,
  indexingList: TYPE_REF.array,
  fields: TYPE_REF.array,
  data: TYPE_REF.map,
} as const
export const BLOCK_PARTS: readonly string[] = Object.keys(PART_TYPE_REF)

/** The type that stands in a part. Parts that no block's skeleton has are lists of claims. */
export function partTypeRef(part: string): number {
  return Object.hasOwn(PART_TYPE_REF, part) ? PART_TYPE_REF[part as keyof typeof PART_TYPE_REF] : TYPE_REF.array
}

/** Yjs gives writers 32-bit ids; skeletons live above them, so a server can tell the two apart and a forger can't squat. */
export const SKELETON_CLIENT_MIN = 2 ** 52
/** Blocks' skeletons live in the upper half, parts' in the lower: a part may come to be garbage in whole, a block's map never. */
export const BLOCK_SKELETON_CLIENT_MIN = 2 ** 52 + 2 ** 51
/** Times one key can be found spoilt (its skeleton's id used up by deleted structs that left no item) before creation gives up. */
export const INCARNATIONS_MAX = 64

/** Structs (and clock ticks) of a block's skeleton: the map, its id, its four parts. */
export const BLOCK_SKELETON_LENGTH = 2 + BLOCK_PARTS.length

/** Yjs's own numbers of what an item holds. */
const CONTENT_REF = { any: 8, type: 7 } as const
const HAS_ORIGIN = 0x80
const HAS_PARENT_SUB = 0x20

/** The Yjs client id of a skeleton: 53 bits, the top one always set, the next one for blocks, a hash in the rest. */
export function skeletonClientId(skeleton: Skeleton): number {
  const follows = skeleton.follows === undefined ? '' : `${skeleton.follows.client}:${skeleton.follows.clock}`
  const subject =
    skeleton.kind === 'block'
      ? ['block skeleton v1', skeleton.blockId, skeleton.incarnation, follows]
      : [
          'part skeleton v1',
          `${skeleton.parent.client}:${skeleton.parent.clock}`,
          skeleton.part,
          skeleton.incarnation,
          follows,
        ]
  const hash = sha256(new TextEncoder().encode(JSON.stringify(subject)))
  const view = new DataView(hash.buffer)
  const base = skeleton.kind === 'block' ? BLOCK_SKELETON_CLIENT_MIN : SKELETON_CLIENT_MIN
  return base + (view.getUint32(0) & 0x7ffff) * 2 ** 32 + view.getUint32(4)
}

/** The skeleton as one Yjs V1 update: byte for byte what a throw-away doc with the skeleton's client id would write. */
export function encodeSkeleton(skeleton: Skeleton): Uint8Array {
  const client = skeletonClientId(skeleton)
  const encoder = encoding.createEncoder()
  const root: Y.ID = Y.createID(client, 0)
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarUint(encoder, skeleton.kind === 'block' ? BLOCK_SKELETON_LENGTH : 1)
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, 0)
  if (skeleton.kind === 'part') {
    const { parent, part: key, follows } = skeleton
    writeItemHead(encoder, { ref: CONTENT_REF.type, parent, key, follows })
    encoding.writeVarUint(encoder, partTypeRef(skeleton.part))
  } else {
    const { blockId: key, follows } = skeleton
    writeItemHead(encoder, { ref: CONTENT_REF.type, parent: 'blocks', key, follows })
    encoding.writeVarUint(encoder, TYPE_REF.map)
    writeItemHead(encoder, { ref: CONTENT_REF.any, parent: root, key: 'id', follows: undefined })
    encoding.writeVarUint(encoder, 1)
    encoding.writeAny(encoder, skeleton.blockId)
    for (const part of BLOCK_PARTS) {
      writeItemHead(encoder, { ref: CONTENT_REF.type, parent: root, key: part, follows: undefined })
      encoding.writeVarUint(encoder, partTypeRef(part))
    }
  }
  encoding.writeVarUint(encoder, 0)
  return encoding.toUint8Array(encoder)
}

interface ItemHead {
  readonly ref: number
  readonly parent: Y.ID | 'blocks'
  readonly key: string
  readonly follows: Y.ID | undefined
}

function writeItemHead(encoder: encoding.Encoder, { ref, parent, key, follows }: ItemHead): void {
  encoding.writeUint8(encoder, ref | HAS_PARENT_SUB | (follows === undefined ? 0 : HAS_ORIGIN))
  if (follows !== undefined) {
    // With an origin Yjs takes parent and key from the origin's item.
    writeId(encoder, follows)
    return
  }
  encoding.writeVarUint(encoder, parent === 'blocks' ? 1 : 0)
  if (parent === 'blocks') encoding.writeVarString(encoder, parent)
  else writeId(encoder, parent)
  encoding.writeVarString(encoder, key)
}

function writeId(encoder: encoding.Encoder, id: Y.ID): void {
  encoding.writeVarUint(encoder, id.client)
  encoding.writeVarUint(encoder, id.clock)
}

/**
 * Puts a skeleton into the doc inside the caller's transaction, at the first incarnation whose id nobody has used, and
 * returns the type that then stands under `key` of `parent`; undefined when none does after all incarnations.
 */
export function plantSkeleton(
  transaction: Y.Transaction,
  parent: Y.Map<unknown>,
  key: string,
  skeletonOf: (incarnation: number, follows: Y.ID | undefined) => Skeleton,
): unknown {
  const { doc } = transaction
  const follows = parent._map.get(key)?.lastId
  for (let incarnation = 0; incarnation < INCARNATIONS_MAX; incarnation++) {
    const skeleton = skeletonOf(incarnation, follows)
    if (Y.getState(doc.store, skeletonClientId(skeleton)) > 0) continue
    const { local } = transaction
    Y.applyUpdate(doc, encodeSkeleton(skeleton), transaction.origin)
    // Yjs marks the whole transaction as remote and would then change the doc's client id, thinking it taken.
    transaction.local = local
    return parent.get(key)
  }
  return undefined
}
