import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { sha256 } from './sha256.ts'

/**
 * The structs of a new block. Every client that creates the block makes the same structs, so that concurrent creation merges;
 * otherwise one side's subtree would replace the other's. A skeleton belongs to no writer: its Yjs client id is a hash of its
 * content.
 *
 * `follows` is the deleted item under the same key, where a block is created again. It is part of the hash: the structs name it
 * as their origin, and one id must never stand for two different structs.
 */
export interface BlockSkeleton {
  readonly kind: 'block'
  readonly blockId: string
  readonly incarnation: number
  readonly follows: Y.ID | undefined
}
/** One part that a block lacks: a part that a stock client left out, or a list of claims that blocks' skeletons do not have. */
export interface PartSkeleton {
  readonly kind: 'part'
  readonly parent: Y.ID
  readonly part: string
  readonly incarnation: number
  readonly follows: Y.ID | undefined
}
export type Skeleton = BlockSkeleton | PartSkeleton

/** Yjs's numbers of its types in V1 updates. */
export const TYPE_REF = { array: 0, map: 1, text: 2 } as const
/** The parts of a block's skeleton, for good: they are its bytes (rule B1). A new kind of part comes by a part skeleton. */
const PART_TYPE_REF = {
  content: TYPE_REF.text,
  indexingList: TYPE_REF.array,
  fields: TYPE_REF.array,
  data: TYPE_REF.map,
} as const
export const BLOCK_PARTS: readonly string[] = Object.keys(PART_TYPE_REF)

/** Yjs's number of the type that stands in a part. Parts outside the block's skeleton are lists of claims. */
export function partTypeRef(part: string): number {
  return Object.hasOwn(PART_TYPE_REF, part) ? PART_TYPE_REF[part as keyof typeof PART_TYPE_REF] : TYPE_REF.array
}

/** Least client id of a skeleton. Writers may have such ids, too: Yjs 14 and yrs draw 53 bits. Only the hash tells a skeleton. */
export const SKELETON_CLIENT_MIN = 2 ** 52
/** Least client id of a block's skeleton; those of parts are lower. Yjs may collect a whole part as garbage, but never a block's map. */
export const BLOCK_SKELETON_CLIENT_MIN = 2 ** 52 + 2 ** 51
/** Attempts to create something under one key. An attempt fails where deleted structs have used up the skeleton's id and left no item. */
export const INCARNATIONS_MAX = 64

/** Number of structs, and of clock ticks, in a block's skeleton: the map, its id and its four parts. */
export const BLOCK_SKELETON_LENGTH = 2 + BLOCK_PARTS.length

/** Yjs's numbers of an item's kinds of content. */
const CONTENT_REF = { any: 8, type: 7 } as const
const HAS_ORIGIN = 0x80
const HAS_PARENT_SUB = 0x20

/** The Yjs client id of a skeleton, 53 bits: the top bit is always set, the next one is set for blocks, the rest is a hash. */
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

/** The skeleton as one Yjs V1 update, byte for byte as a temporary doc with the skeleton's client id would write it. */
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
    // Yjs takes the parent and the key from the origin's item.
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
 * Puts a skeleton into the doc, inside the caller's transaction, at the first incarnation whose client id is unused. Returns the
 * type that then stands under `key` of `parent`; undefined when all incarnations are used.
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
    // Yjs marks the whole transaction as remote. It would then take the doc's client id for another writer's, and change it.
    transaction.local = local
    return parent.get(key)
  }
  return undefined
}
