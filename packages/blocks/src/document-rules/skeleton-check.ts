import * as Y from 'yjs'
import {
  BLOCK_PARTS,
  BLOCK_SKELETON_CLIENT_MIN,
  BLOCK_SKELETON_LENGTH,
  INCARNATIONS_MAX,
  partTypeRef,
  SKELETON_CLIENT_MIN,
  type Skeleton,
  skeletonClientId,
  TYPE_REF,
} from '../block-skeleton.ts'
import type { ListTable } from './list-table.ts'
import { type BlocksRefusal, refuse, refuseSquatted } from './refusal.ts'
import { isStoredSkeleton } from './stored-skeleton.ts'
import type { UpdatePlaces } from './update-places.ts'
import type { ReadItem, ReadStruct, ReadUpdate } from './update-reader.ts'

/**
 * Answer to whose structs stand under one client id. `skeleton`: a block's or a part's, and nobody answers for it. `writer`: a
 * writer's, who may have drawn any id of 53 bits. `undecided`: deleted or not placed yet, so that both are possible; such an
 * update proves no ownership. A refusal: the structs would spoil a skeleton.
 */
export type Structs = 'skeleton' | 'writer' | 'undecided' | BlocksRefusal

/** Tells skeletons from writers by their content: a skeleton's client id is a hash of it. */
export class SkeletonCheck {
  readonly #doc: Y.Doc
  readonly #update: ReadUpdate
  readonly #places: UpdatePlaces
  readonly #lists: ListTable
  /** Client ids by what they are a hash of: an update may claim one skeleton under many ids. */
  readonly #hashes = new Map<string, number>()

  constructor(doc: Y.Doc, update: ReadUpdate, places: UpdatePlaces, lists: ListTable) {
    this.#doc = doc
    this.#update = update
    this.#places = places
    this.#lists = lists
  }

  of(client: number, structs: readonly ReadStruct[]): Structs {
    const first = structs[0]
    const last = structs.at(-1)
    if (client < SKELETON_CLIENT_MIN || first === undefined || last === undefined) return 'writer'
    const known = Y.getState(this.#doc.store, client)
    const end = last.clock + last.length
    const stored = known === 0 ? undefined : isStoredSkeleton(this.#doc, client)
    // A skeleton is applied as a whole, so nothing of it is new.
    if (stored === true) return end <= known ? 'skeleton' : forged()
    const arriving = this.#arriving(first, structs, end)
    if (stored !== false || arriving !== 'skeleton') return arriving
    return refuseSquatted()
  }

  #arriving(first: ReadStruct, structs: readonly ReadStruct[], end: number): Structs {
    if (first.clock !== 0) return 'writer'
    const isBlock = first.client >= BLOCK_SKELETON_CLIENT_MIN
    // Yjs collects whole parts as garbage, but never a block's map.
    if (first.kind === 'gc') return !isBlock && end === 1 ? 'undecided' : 'writer'
    if (first.kind !== 'item' || first.length !== 1 || first.rightOrigin !== undefined) return 'writer'
    const typeRef = first.content.kind === 'type' ? first.content.typeRef : undefined
    if (typeRef === undefined && first.content.kind !== 'deleted') return 'writer'
    if (isBlock) {
      const { role, parentSub: blockId } = this.#places.placeOf(first)
      if (role === 'unknown') return end <= BLOCK_SKELETON_LENGTH ? 'undecided' : 'writer'
      if (role !== 'blocks' || blockId === undefined || (typeRef ?? TYPE_REF.map) !== TYPE_REF.map) return 'writer'
      const follows = yjsId(first.origin)
      if (!this.#isHash(first.client, (incarnation) => ({ kind: 'block', blockId, incarnation, follows })))
        return 'writer'
      const isWhole = end <= BLOCK_SKELETON_LENGTH && structs.slice(1).every((struct) => isBlockChild(struct, blockId))
      return isWhole ? 'skeleton' : forged()
    }
    const place = this.#partPlace(first)
    if (place === undefined) return end === 1 ? 'undecided' : 'writer'
    const { parent, part } = place
    const follows = yjsId(first.origin)
    if (!this.#isHash(first.client, (incarnation) => ({ kind: 'part', parent, part, incarnation, follows })))
      return 'writer'
    const isKnownPart = BLOCK_PARTS.includes(part) || this.#lists.get(part) !== undefined
    return end === 1 && isKnownPart && (typeRef ?? partTypeRef(part)) === partTypeRef(part) ? 'skeleton' : forged()
  }

  /** Where a part's item stands. The block may be deleted by now, so what the item itself names counts. */
  #partPlace(item: ReadItem): { parent: Y.ID; part: string } | undefined {
    const { parentId, parentSub } =
      typeof item.parent === 'object'
        ? { parentId: item.parent, parentSub: item.parentSub }
        : this.#places.placeOf(item)
    if (parentId === undefined || parentSub === undefined) return undefined
    return { parent: Y.createID(parentId.client, parentId.clock), part: parentSub }
  }

  #isHash(client: number, skeletonAt: (incarnation: number) => Skeleton): boolean {
    for (let incarnation = 0; incarnation < INCARNATIONS_MAX; incarnation++) {
      const id = this.#clientIdOf(skeletonAt(incarnation))
      if (id === client) return true
      // A further incarnation is made only where this one's client id was used up.
      if (Y.getState(this.#doc.store, id) === 0 && !this.#update.structs.has(id)) return false
    }
    return false
  }

  #clientIdOf(skeleton: Skeleton): number {
    const subject = JSON.stringify(skeleton)
    const known = this.#hashes.get(subject)
    if (known !== undefined) return known
    const id = skeletonClientId(skeleton)
    this.#hashes.set(subject, id)
    return id
  }
}

function yjsId(id: ReadItem['origin']): Y.ID | undefined {
  return id === undefined ? undefined : Y.createID(id.client, id.clock)
}

/** The id and the parts of a block's skeleton stand at clocks 1, 2, ... under keys of their own. Deleted ones may be any deleted content. */
function isBlockChild(struct: ReadStruct, blockId: string): boolean {
  if (struct.kind === 'gc') return true
  if (struct.kind !== 'item' || struct.length !== 1) return false
  if (struct.origin !== undefined || struct.rightOrigin !== undefined) return false
  const { parent, content } = struct
  if (typeof parent !== 'object' || parent.client !== struct.client || parent.clock !== 0) return false
  if (struct.clock === 1) {
    const isId = content.kind === 'values' && content.values.length === 1 && content.values[0] === blockId
    return struct.parentSub === 'id' && (isId || content.kind === 'deleted')
  }
  const part = BLOCK_PARTS[struct.clock - 2]
  if (part === undefined || struct.parentSub !== part) return false
  return content.kind === 'deleted' || (content.kind === 'type' && content.typeRef === partTypeRef(part))
}

function forged(): BlocksRefusal {
  return refuse(
    'forged_skeleton',
    "The update has content under a skeleton's client id that is not this skeleton: create blocks with createBlock, and lists of claims that the server's table has",
  )
}
