import type * as Y from 'yjs'
import { readWaiting } from './read-waiting.ts'
import { type BlocksRefusal, refuse } from './refusal.ts'
import { UPDATE_LIMITS } from './update-limits.ts'
import type { UpdatePlaces } from './update-places.ts'
import { type ReadItem, type ReadUpdate, type StructId, structAt } from './update-reader.ts'

/**
 * Watches the nested types that wait for edits which have not arrived: what a stock client types before it answers SyncStep1
 * may build on such edits. How deep a waiting type will stand is not known yet. So the waiting types may nest a little in each
 * other, and each of them may come to stand as deep as any type may.
 */
export class WaitingTypes {
  readonly #doc: Y.Doc
  /** Greatest number of levels that the types accepted so far can have in each other. */
  #levelsMax: number

  constructor(doc: Y.Doc) {
    this.#doc = doc
    this.#levelsMax = doc.store.pendingStructs === null ? 0 : Number.POSITIVE_INFINITY
  }

  /** Refuses `types`, the update's types without a known place, if with those that wait already they nest too deep. */
  check(types: readonly ReadItem[], update: ReadUpdate, places: UpdatePlaces): BlocksRefusal | undefined {
    if (types.length === 0) return undefined
    const waiting = readWaiting(this.#doc)
    // Each level needs a type of its own, so few types need no closer look.
    const most = (waiting === undefined ? 0 : this.#levelsMax) + types.length
    const levels =
      most <= UPDATE_LIMITS.typeDepthWaitingMax
        ? most
        : levelsOf(waiting === undefined ? [update] : [update, waiting], places)
    if (levels > UPDATE_LIMITS.typeDepthWaitingMax)
      return refuse(
        'too_deep',
        `Types that wait for edits which have not arrived nest deeper than ${UPDATE_LIMITS.typeDepthWaitingMax} levels: connect again to send all of them`,
      )
    this.#levelsMax = levels
    return undefined
  }
}

/** Greatest number of types in each other, over all types of the updates that have no known place. */
function levelsOf(updates: readonly ReadUpdate[], places: UpdatePlaces): number {
  const depths = new Map<ReadItem, number>()
  const find = (id: StructId): ReadItem | undefined => {
    for (const { structs } of updates) {
      const found = structAt(structs.get(id.client) ?? [], id.clock)
      if (found?.kind === 'item') return found
    }
    return undefined
  }
  let deepest = 0
  for (const { structs } of updates) {
    for (const item of [...structs.values()].flat()) {
      if (item.kind !== 'item' || item.content.kind !== 'type' || places.placeOf(item).role !== 'unknown') continue
      deepest = Math.max(deepest, depthOf(item, find, depths) + 1)
      if (deepest > UPDATE_LIMITS.typeDepthWaitingMax) return deepest
    }
  }
  return deepest
}

/** Number of types above an item. Walks in a loop, since a long text is one chain of origins. */
function depthOf(item: ReadItem, find: (id: StructId) => ReadItem | undefined, depths: Map<ReadItem, number>): number {
  const path: ReadItem[] = []
  const seen = new Set<ReadItem>()
  let current: ReadItem | undefined = item
  while (current !== undefined && !depths.has(current)) {
    // Items that build on each other in a circle never get a place.
    if (seen.has(current)) break
    seen.add(current)
    path.push(current)
    const next: StructId | string | undefined = current.parent ?? current.origin ?? current.rightOrigin
    current = typeof next === 'object' ? find(next) : undefined
  }
  let above = current === undefined ? undefined : depths.get(current)
  for (const each of path.reverse()) {
    above = above === undefined ? 0 : above + (each.parent === undefined ? 0 : 1)
    depths.set(each, above)
  }
  return above ?? 0
}
