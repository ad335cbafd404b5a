import * as Y from 'yjs'
import { inherited, isItem, type ListAnswers } from './inherited.ts'
import { type ReadItem, type ReadStruct, type ReadUpdate, type StructId, structAt } from './update-reader.ts'

/** A struct of the document, or one that an update brings. */
export type GraphStruct = Y.Item | Y.GC | ReadStruct
/** A struct that stands in a list, as long as its parent lives. */
export type GraphItem = Y.Item | ReadItem

/** Whether a list is garbage: Yjs makes everything in it garbage, whatever it is. */
export const GONE = 'gone'

/**
 * The structs of a document together with those of updates that are not applied yet. Each list of Yjs is a tree: a character or
 * value hangs below its origin, which is the one before it for all but the first of a struct.
 */
export class StructGraph {
  readonly doc: Y.Doc
  readonly #updates: readonly ReadUpdate[]
  readonly #lists = new Map<ReadItem, string | undefined>()
  readonly #rootNames = new Map<Y.AbstractType<unknown>, string>()
  readonly #answers: ListAnswers<string | undefined> = {
    find: (id) => this.find(id),
    ofStored: (item) => this.#storedList(item),
    under: (parent, sub) => this.#listUnder(parent, sub),
    gone: GONE,
    missing: undefined,
  }

  /** @param updates what arrives and what waits; of two structs under one clock, the earlier update's counts */
  constructor(doc: Y.Doc, updates: readonly ReadUpdate[]) {
    this.doc = doc
    this.#updates = updates
  }

  /** The struct that holds an id; undefined for one that has not arrived. */
  find(id: StructId): GraphStruct | undefined {
    if (id.clock < Y.getState(this.doc.store, id.client)) {
      return Y.getItem(this.doc.store, Y.createID(id.client, id.clock))
    }
    for (const { structs } of this.#updates) {
      const found = structAt(structs.get(id.client) ?? [], id.clock)
      if (found !== undefined) return found
    }
    return undefined
  }

  /**
   * The list in which an item stands, as text that is equal for items of one list: its parent and, in a map, its key. `gone` for
   * garbage; undefined where it is not known yet.
   */
  listOf(item: GraphItem): string | undefined {
    return inherited(item, this.#lists, this.#answers)
  }

  #listUnder(parent: string | StructId, sub: string | undefined): string | undefined {
    if (typeof parent === 'string') return textOf(['root', parent, sub])
    const found = this.find(parent)
    if (found === undefined) return undefined
    const isType =
      found instanceof Y.Item ? found.content instanceof Y.ContentType : isItem(found) && found.content.kind === 'type'
    return isType ? textOf([parent.client, parent.clock, sub]) : GONE
  }

  #storedList({ parent, parentSub }: Y.Item): string {
    if (!(parent instanceof Y.AbstractType)) return GONE
    const holder = parent._item
    if (holder !== null) return textOf([holder.id.client, holder.id.clock, parentSub ?? undefined])
    let name = this.#rootNames.get(parent)
    if (name === undefined) {
      name = Y.findRootTypeKey(parent)
      this.#rootNames.set(parent, name)
    }
    return textOf(['root', name, parentSub ?? undefined])
  }
}

/** The id of the first character or value of a struct. */
export function startOf(item: GraphItem): StructId {
  return item instanceof Y.Item ? item.id : item
}

/** The id that one character or value of an item hangs below; undefined at the beginning of the list. */
export function originAt(item: GraphItem, { client, clock }: StructId): StructId | undefined {
  if (clock > startOf(item).clock) return { client, clock: clock - 1 }
  return item.origin ?? undefined
}

export function isSameId(a: StructId | null | undefined, b: StructId | null | undefined): boolean {
  return a === b || (a?.client === b?.client && a?.clock === b?.clock) || (a == null && b == null)
}

/** Whether a list is the chain of values under one key of a map, by the text of {@link StructGraph.listOf}. */
export function isKeyed(list: string): boolean {
  return !list.endsWith(NO_KEY)
}

/** The end of the text of a list without a key: what ends the text of a key is a quote. */
const NO_KEY = ',null]'

function textOf(parts: readonly (string | number | undefined)[]): string {
  return JSON.stringify(parts)
}
