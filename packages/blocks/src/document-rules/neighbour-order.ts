import * as Y from 'yjs'
import { isItem } from './inherited.ts'
import { type BlocksRefusal, refuse } from './refusal.ts'
import { GONE, type GraphItem, isKeyed, isSameId, originAt, type StructGraph, startOf } from './struct-graph.ts'
import { UPDATE_LIMITS } from './update-limits.ts'
import type { ReadItem, StructId } from './update-reader.ts'

/**
 * Result of a check. `unknown`: the item builds on edits which have not arrived, so it waits and is checked again when they come.
 */
export type Verdict = 'ordered' | 'unknown' | BlocksRefusal

/** One character or value: its id and the item that holds it. */
interface Unit {
  readonly id: StructId
  readonly item: GraphItem
}

/** Ends a check that would take too many steps. */
const TOO_COSTLY = Symbol('too costly')

/**
 * Checks that the neighbours of an item can stand on its two sides. Yjs looks for an item's place from its left neighbour on, and
 * stops at the right one. Replicas find the same place in every order of arrival if, and only if,
 *
 * - both neighbours stand in one list, the left one before the right one, and
 * - the right one's own left neighbour does not stand between them.
 *
 * Yjs itself never makes other items, since a writer's neighbours are next to each other in the writer's document. Undo in a type
 * that came back makes items whose neighbours have others between them; these keep both conditions.
 */
export class NeighbourOrder {
  readonly #graph: StructGraph
  #nesting = 0
  #stepsLeft: number = UPDATE_LIMITS.orderStepsMax

  constructor(graph: StructGraph) {
    this.#graph = graph
  }

  /** @param state the first clock of the item's client that will not be known when the item comes to be integrated */
  check(item: ReadItem, state = Y.getState(this.#graph.doc.store, item.client)): Verdict {
    const { rightOrigin } = item
    // Yjs takes the part that it lacks of a struct, and puts it behind the part that it has.
    const isGoingOn = item.clock < state
    if (isGoingOn && !this.#goesOnAt(item, state)) return disordered()
    const keyed = this.#checkKeyed(item)
    if (keyed !== undefined) return keyed
    if (rightOrigin === undefined) return 'ordered'
    const origin = isGoingOn ? { client: item.client, clock: state - 1 } : item.origin
    const right = this.#graph.find(rightOrigin)
    if (right === undefined) return 'unknown'
    if (origin === undefined) {
      return !isItem(right) || originAt(right, rightOrigin) === undefined ? 'ordered' : disordered()
    }
    const left = this.#graph.find(origin)
    if (left === undefined) return 'unknown'
    if (!isItem(left) || !isItem(right)) {
      const other = isItem(left) ? left : isItem(right) ? right : undefined
      const list = other === undefined ? GONE : this.#graph.listOf(other)
      return list === undefined ? 'unknown' : list === GONE ? 'ordered' : disordered()
    }
    // The later of two neighbours was put beside the earlier one: this decides most items at once.
    if (isSameId(originAt(right, rightOrigin), origin) || isSameId(left.rightOrigin, rightOrigin)) return 'ordered'
    try {
      return this.#checkApart({ id: origin, item: left }, { id: rightOrigin, item: right })
    } catch (thrown) {
      if (thrown !== TOO_COSTLY) throw thrown
      this.#nesting = 0
      return refuse(
        'too_costly',
        `To tell the order of its items takes more than ${UPDATE_LIMITS.orderStepsMax} steps: send the edits in smaller updates`,
      )
    }
  }

  /**
   * A value under a key takes one clock. Yjs can split a longer one, and then fails, in the middle of a transaction, when the map
   * is deleted.
   */
  #checkKeyed(item: ReadItem): Verdict | undefined {
    if (item.length === 1 || item.content.kind === 'deleted') return undefined
    const list = this.#graph.listOf(item)
    if (list === undefined) return 'unknown'
    if (list === GONE || !isKeyed(list)) return undefined
    return refuse('bad_update', 'A value under a key takes more than one clock: set values with Yjs only')
  }

  /** Whether the struct of which the document has the part before `clock` stands in the same list as that part. */
  #goesOnAt(item: ReadItem, clock: number): boolean {
    const known = this.#graph.find({ client: item.client, clock: clock - 1 })
    if (known === undefined) return false
    return this.#graph.listOf(item) === (isItem(known) ? this.#graph.listOf(known) : GONE)
  }

  /** Checks neighbours that others may stand between. */
  #checkApart(left: Unit, right: Unit): Verdict {
    if (left.item instanceof Y.Item && right.item instanceof Y.Item) {
      return this.#isOrderedInDocument(left.id, left.item, right.id, right.item) ? 'ordered' : disordered()
    }
    const lists = [this.#graph.listOf(left.item), this.#graph.listOf(right.item)]
    if (lists.includes(undefined)) return 'unknown'
    if (lists[0] !== lists[1]) return disordered()
    // Everything between an item and its origin hangs below that origin, and so must the left neighbour.
    const branch = this.#branchBelow(originAt(right.item, right.id), left)
    if (branch === 'unknown') return 'unknown'
    if (branch === undefined) return disordered()
    const isBefore = this.#isSiblingBefore(branch, right)
    return isBefore === undefined ? 'unknown' : isBefore ? 'ordered' : disordered()
  }

  /** Walks from the left neighbour to the right one, through items that the document has. */
  #isOrderedInDocument(leftId: StructId, left: Y.Item, rightId: StructId, right: Y.Item): boolean {
    if (left === right) return leftId.clock < rightId.clock && leftId.clock + 1 === rightId.clock
    if (left.parent !== right.parent || left.parentSub !== right.parentSub) return false
    const below = originAt(right, rightId)
    // The right neighbour's own left one is the character before it, which stands after the left neighbour.
    if (rightId.clock > right.id.clock) return false
    if (below !== undefined && isAfterWithin(left, leftId, below)) return false
    for (let next = left.right; next !== right; next = next.right) {
      if (next === null) return false
      this.#step()
      if (below !== undefined && holds(next, below)) return false
    }
    return true
  }

  /**
   * The ancestor of `unit`, or itself, that hangs directly below `origin`. `origin` itself has none that counts: then `unit` is
   * returned as it is. Undefined if `unit` does not hang below it.
   */
  #branchBelow(origin: StructId | undefined, unit: Unit): Unit | 'unknown' | undefined {
    let current = unit
    for (;;) {
      this.#step()
      const start = startOf(current.item)
      if (origin !== undefined && origin.client === start.client && origin.clock >= start.clock) {
        if (origin.clock === current.id.clock) return current
        if (origin.clock < current.id.clock) {
          return { id: { client: start.client, clock: origin.clock + 1 }, item: current.item }
        }
      }
      const first = { client: start.client, clock: start.clock }
      const above = current.item.origin ?? undefined
      if (above === undefined) return origin === undefined ? { id: first, item: current.item } : undefined
      if (isSameId(above, origin)) return { id: first, item: current.item }
      const found = this.#graph.find(above)
      if (found === undefined) return 'unknown'
      if (!isItem(found)) return undefined
      current = { id: above, item: found }
    }
  }

  /** Whether `a` stands before `b`, where both hang directly below one origin; undefined if that is not known yet. */
  #isSiblingBefore(a: Unit, b: Unit): boolean | undefined {
    this.#step()
    const [rightOfA, rightOfB] = [a.item.rightOrigin ?? undefined, b.item.rightOrigin ?? undefined]
    if (isSameId(a.id, b.id)) return false
    if (isSameId(rightOfA, b.id)) return true
    if (isSameId(rightOfB, a.id)) return false
    if (!isSameId(rightOfA, rightOfB)) {
      const passed = rightOfA === undefined ? false : this.#isBefore(rightOfA, b)
      if (passed !== false) return passed
      const isBehind = rightOfB === undefined ? false : this.#isBefore(rightOfB, a)
      if (isBehind !== false) return isBehind === undefined ? undefined : false
    }
    return a.id.client === b.id.client ? a.id.clock > b.id.clock : a.id.client < b.id.client
  }

  /** Whether the unit at `id` stands before `unit`, in one list; undefined if that is not known yet. */
  #isBefore(id: StructId, unit: Unit): boolean | undefined {
    const from = this.#unitAt(id)
    const [a, b] = [from && this.#pathOf(from), this.#pathOf(unit)]
    if (a === undefined || b === undefined) return undefined
    let common = 0
    while (common < a.length && isSameId(a[common]?.first.id, b[common]?.first.id)) common++
    // Items that build on each other in a circle lead back here without end.
    if (this.#nesting > UPDATE_LIMITS.orderNestingMax) throw TOO_COSTLY
    this.#nesting += 1
    const isBefore = this.#isPathBefore(a, b, common)
    this.#nesting -= 1
    return isBefore
  }

  /** Compares two paths of which the runs before `common` begin alike. */
  #isPathBefore(a: readonly Run[], b: readonly Run[], common: number): boolean | undefined {
    const [nextA, nextB] = [a[common], b[common]]
    const [lastA, lastB] = [a[common - 1]?.last, b[common - 1]?.last]
    if (lastA === undefined || lastB === undefined || lastA.clock === lastB.clock) {
      if (nextA === undefined) return nextB !== undefined
      return nextB !== undefined && this.#isSiblingBefore(nextA.first, nextB.first)
    }
    // One path leaves the run earlier: there its next run and the rest of the common run hang below one origin.
    const isEarlierA = lastA.clock < lastB.clock
    const next = isEarlierA ? nextA : nextB
    if (next === undefined) return isEarlierA
    const rest = this.#unitAt({ client: lastA.client, clock: Math.min(lastA.clock, lastB.clock) + 1 })
    if (rest === undefined) return undefined
    return isEarlierA ? this.#isSiblingBefore(next.first, rest) : this.#isSiblingBefore(rest, next.first)
  }

  /** The runs from the beginning of the list down to a unit. Undefined if one of them has not arrived. */
  #pathOf(unit: Unit): readonly Run[] | undefined {
    const path: Run[] = []
    let last = unit.id
    let current: Unit = unit
    for (;;) {
      this.#step()
      const start = startOf(current.item)
      const first: Unit = { id: { client: start.client, clock: start.clock }, item: current.item }
      const above = current.item.origin ?? undefined
      const isGoingOn = above !== undefined && above.client === start.client && above.clock + 1 === start.clock
      if (!isGoingOn) path.push({ first, last })
      if (above === undefined) return path.reverse()
      const next = this.#unitAt(above)
      if (next === undefined) return undefined
      if (!isGoingOn) last = above
      current = next
    }
  }

  #unitAt(id: StructId): Unit | undefined {
    const item = this.#graph.find(id)
    return item === undefined || !isItem(item) ? undefined : { id, item }
  }

  #step(): void {
    this.#stepsLeft -= 1
    if (this.#stepsLeft < 0) throw TOO_COSTLY
  }
}

/** Units of one client that hang below each other without a gap, as far as a path leads through them. */
interface Run {
  readonly first: Unit
  /** The id at which the path leaves the run. */
  readonly last: StructId
}

function holds({ id, length }: Y.Item, other: StructId): boolean {
  return other.client === id.client && other.clock >= id.clock && other.clock < id.clock + length
}

/** Whether `other` stands in `item` behind `id`. */
function isAfterWithin(item: Y.Item, id: StructId, other: StructId): boolean {
  return holds(item, other) && other.clock > id.clock
}

function disordered(): BlocksRefusal {
  return refuse(
    'bad_update',
    'An item names neighbours that do not stand on its two sides, so that replicas would place it differently: make edits with Yjs only, in a document that has what the server sent',
  )
}
