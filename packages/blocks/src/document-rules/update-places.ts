import * as Y from 'yjs'
import { TYPE_REF } from '../block-skeleton.ts'
import type { ClaimList } from '../claim-list.ts'
import { inherited, type ListAnswers } from './inherited.ts'
import type { ListTable } from './list-table.ts'
import { UPDATE_LIMITS } from './update-limits.ts'
import { type ReadItem, type ReadStruct, type ReadUpdate, type StructId, structAt } from './update-reader.ts'

/** Meaning of the type in which an item stands. `gone`: the type is deleted, and nothing in it counts. `unknown`: not received yet. */
export type Role = 'blocks' | 'block' | 'claims' | 'other' | 'gone' | 'unknown'

/** Place of an item. */
export interface Place {
  readonly role: Role
  /** Row of the list of claims that the type is; defined for the role `claims` alone. */
  readonly list: ClaimList | undefined
  /** Number of types above the type in which the item stands; 0 for a root type. */
  readonly depth: number
  readonly parentSub: string | undefined
  /** The item that holds this type; undefined for a root type. */
  readonly parentId: StructId | undefined
  /** The block that the item belongs to, if the document has it already. */
  readonly block: Y.Map<unknown> | undefined
  /** Id of that block, also of one that comes with the update. */
  readonly blockId: string | undefined
}

const UNKNOWN: Place = {
  role: 'unknown',
  list: undefined,
  depth: 0,
  parentSub: undefined,
  parentId: undefined,
  block: undefined,
  blockId: undefined,
}
const GONE: Place = { ...UNKNOWN, role: 'gone' }

/** Finds the places that the items of an update will have once it is applied, from the update and the document. */
export class UpdatePlaces {
  readonly #doc: Y.Doc
  readonly #update: ReadUpdate
  readonly #lists: ListTable
  readonly #known = new Map<ReadItem, Place>()
  readonly #answers: ListAnswers<Place> = {
    find: (id) => this.#find(id),
    ofStored: (item) => placeOfStored(this.#doc, item, this.#lists),
    under: (parent, parentSub) => this.#placeUnder(parent, parentSub),
    gone: GONE,
    missing: UNKNOWN,
  }
  #nesting = 0

  constructor(doc: Y.Doc, update: ReadUpdate, lists: ListTable) {
    this.#doc = doc
    this.#update = update
    this.#lists = lists
  }

  /** Finds an item's place: of its neighbour, and of parent types by recursion. */
  placeOf(item: ReadItem): Place {
    return inherited(item, this.#known, this.#answers)
  }

  /** Whether an item names a parent that is there and is no type. Yjs would drop the item without a word. */
  isInNoType({ parent }: ReadItem): boolean {
    if (typeof parent !== 'object') return false
    const found = this.#find(parent)
    if (found instanceof Y.Item)
      return !(found.content instanceof Y.ContentType || found.content instanceof Y.ContentDeleted)
    if (found === undefined || !('kind' in found) || found.kind !== 'item') return false
    return found.content.kind !== 'type' && found.content.kind !== 'deleted'
  }

  #placeUnder(parent: string | StructId, parentSub: string | undefined): Place {
    if (typeof parent === 'string') {
      return {
        role: parent === 'blocks' ? 'blocks' : 'other',
        list: undefined,
        depth: 0,
        parentSub,
        parentId: undefined,
        block: undefined,
        blockId: undefined,
      }
    }
    const found = this.#find(parent)
    if (found === undefined) return { ...UNKNOWN, parentSub, parentId: parent }
    if (found instanceof Y.Item) {
      const type = found.content instanceof Y.ContentType && !found.deleted ? found.content.type : undefined
      return type === undefined ? GONE : { ...placeInType(this.#doc, type, this.#lists), parentSub, parentId: parent }
    }
    if (!('kind' in found) || found.kind !== 'item' || found.content.kind === 'deleted') return GONE
    if (found.content.kind !== 'type') return GONE
    if (this.#nesting > UPDATE_LIMITS.typeDepthMax) {
      return { ...UNKNOWN, role: 'other', depth: this.#nesting, parentSub, parentId: parent }
    }
    this.#nesting += 1
    const above = this.placeOf(found)
    this.#nesting -= 1
    if (above.role === 'gone' || above.role === 'unknown') return { ...above, parentSub, parentId: parent }
    const child = roleOfChild(above.role, above.parentSub, found.content.typeRef, this.#lists)
    const blockId = above.role === 'blocks' ? above.parentSub : above.blockId
    return { ...child, depth: above.depth + 1, parentSub, parentId: parent, block: above.block, blockId }
  }

  /** The struct at an id: the document's, or else the update's. */
  #find(id: StructId): Y.Item | Y.GC | ReadStruct | undefined {
    if (id.clock < Y.getState(this.#doc.store, id.client)) {
      return Y.getItem(this.#doc.store, Y.createID(id.client, id.clock))
    }
    return structAt(this.#update.structs.get(id.client) ?? [], id.clock)
  }
}

function roleOfChild(
  above: Role,
  parentSub: string | undefined,
  typeRef: number,
  lists: ListTable,
): Pick<Place, 'role' | 'list'> {
  if (above === 'blocks' && typeRef === TYPE_REF.map) return { role: 'block', list: undefined }
  const isList = above === 'block' && typeRef === TYPE_REF.array && parentSub !== undefined
  const list = isList ? lists.get(parentSub) : undefined
  return { role: list === undefined ? 'other' : 'claims', list }
}

function placeOfStored(doc: Y.Doc, item: Y.Item, lists: ListTable): Place {
  const { parent } = item
  if (!(parent instanceof Y.AbstractType)) return GONE
  const parentId = parent._item === null ? undefined : parent._item.id
  return { ...placeInType(doc, parent, lists), parentSub: item.parentSub ?? undefined, parentId }
}

/** Place of items in a type that the document holds. The caller adds parentSub and parentId. */
function placeInType(doc: Y.Doc, type: Y.AbstractType<unknown>, lists: ListTable): Place {
  const above: Y.AbstractType<unknown>[] = []
  let current = type
  while (current._item !== null) {
    if (current._item.deleted || above.length > UPDATE_LIMITS.typeDepthMax) break
    above.unshift(current)
    if (!(current._item.parent instanceof Y.AbstractType)) return GONE
    current = current._item.parent
  }
  if (current._item?.deleted === true) return GONE
  const base = { list: undefined, depth: above.length, parentSub: undefined, parentId: undefined, blockId: undefined }
  if (current !== doc.share.get('blocks')) return { ...base, role: 'other', block: undefined }
  const [block, part] = above
  if (block === undefined) return { ...base, role: 'blocks', block: undefined }
  if (!(block instanceof Y.Map)) return { ...base, role: 'other', block: undefined }
  const blockId = block._item?.parentSub ?? undefined
  if (part === undefined) return { ...base, role: 'block', block, blockId }
  const key = part._item?.parentSub
  const isList = above.length === 2 && part instanceof Y.Array && typeof key === 'string'
  const list = isList ? lists.get(key) : undefined
  return { ...base, role: list === undefined ? 'other' : 'claims', list, block, blockId }
}
