import * as Y from 'yjs'
import {
  BLOCK_PARTS,
  BLOCK_SKELETON_CLIENT_MIN,
  BLOCK_SKELETON_LENGTH,
  INCARNATIONS_MAX,
  partTypeRef,
  type Skeleton,
  skeletonClientId,
  TYPE_REF,
} from '../block-skeleton.ts'
import type { ListTable } from './list-table.ts'
import { type BlocksRefusal, refuse } from './refusal.ts'
import type { UpdatePlaces } from './update-places.ts'
import type { ReadItem, ReadStruct } from './update-reader.ts'

/**
 * Refuses structs under a skeleton's client id that are not this skeleton, as far as it isn't deleted. Everybody sends such
 * structs, so nobody answers for them, and false ones would make the block empty or different when it is created later.
 */
export function checkSkeleton(
  structs: readonly ReadStruct[],
  known: number,
  places: UpdatePlaces,
  lists: ListTable,
): BlocksRefusal | undefined {
  const first = structs[0]
  const last = structs.at(-1)
  if (first === undefined || last === undefined) return undefined
  const end = last.clock + last.length
  // A skeleton is applied as a whole, so Yjs takes nothing more of one that is known.
  if (end <= known) return undefined
  const isBlock = first.client >= BLOCK_SKELETON_CLIENT_MIN
  if (known > 0 || first.clock !== 0 || end > (isBlock ? BLOCK_SKELETON_LENGTH : 1)) return forged()
  if (first.kind === 'gc') return isBlock ? forged() : undefined
  if (first.kind !== 'item' || first.length !== 1 || first.rightOrigin !== undefined) return forged()
  const expected = isBlock ? blockRoot(first, places) : partRoot(first, places, lists)
  if (expected === undefined || !isHash(first.client, expected)) return forged()
  return structs.slice(1).every((struct) => isBlockChild(struct, expected)) ? undefined : forged()
}

type SkeletonAt = (incarnation: number) => Skeleton
interface Expected {
  readonly skeletonAt: SkeletonAt
  readonly blockId: string
}

function blockRoot(item: ReadItem, places: UpdatePlaces): Expected | undefined {
  const { role, parentSub: blockId } = places.placeOf(item)
  if (role !== 'blocks' || blockId === undefined || !holds(item, TYPE_REF.map)) return undefined
  const follows = yjsId(item)
  return { blockId, skeletonAt: (incarnation) => ({ kind: 'block', blockId, incarnation, follows }) }
}

function partRoot(item: ReadItem, places: UpdatePlaces, lists: ListTable): Expected | undefined {
  const { parentId, parentSub: part } = places.placeOf(item)
  if (parentId === undefined || part === undefined) return undefined
  if (!BLOCK_PARTS.includes(part) && lists.get(part) === undefined) return undefined
  if (!holds(item, partTypeRef(part))) return undefined
  const follows = yjsId(item)
  const parent = Y.createID(parentId.client, parentId.clock)
  return { blockId: '', skeletonAt: (incarnation) => ({ kind: 'part', parent, part, incarnation, follows }) }
}

function yjsId({ origin }: ReadItem): Y.ID | undefined {
  return origin === undefined ? undefined : Y.createID(origin.client, origin.clock)
}

function isHash(client: number, { skeletonAt }: Expected): boolean {
  for (let incarnation = 0; incarnation < INCARNATIONS_MAX; incarnation++) {
    if (skeletonClientId(skeletonAt(incarnation)) === client) return true
  }
  return false
}

/** The id and the parts of a block's skeleton stand at clocks 1, 2, ... under keys of their own. Deleted ones may be any deleted content. */
function isBlockChild(struct: ReadStruct, { blockId }: Expected): boolean {
  if (struct.kind === 'gc') return true
  if (struct.kind !== 'item' || struct.length !== 1) return false
  if (struct.origin !== undefined || struct.rightOrigin !== undefined) return false
  const { parent } = struct
  if (typeof parent !== 'object' || parent.client !== struct.client || parent.clock !== 0) return false
  if (struct.clock === 1) {
    const { content } = struct
    const isId = content.kind === 'values' && content.values.length === 1 && content.values[0] === blockId
    return struct.parentSub === 'id' && (isId || content.kind === 'deleted')
  }
  const part = BLOCK_PARTS[struct.clock - 2]
  return part !== undefined && struct.parentSub === part && holds(struct, partTypeRef(part))
}

function holds({ content }: ReadItem, typeRef: number): boolean {
  return content.kind === 'deleted' || (content.kind === 'type' && content.typeRef === typeRef)
}

function forged(): BlocksRefusal {
  return refuse(
    'forged_skeleton',
    "The update has content under a skeleton's client id that is not this skeleton: create blocks with createBlock, and lists of claims that the server's table has",
  )
}
