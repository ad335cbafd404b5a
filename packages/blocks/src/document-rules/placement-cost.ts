import * as Y from 'yjs'
import { inherited, type ListAnswers } from './inherited.ts'
import { type BlocksRefusal, refuse } from './refusal.ts'
import { isSameId, type StructGraph } from './struct-graph.ts'
import { UPDATE_LIMITS } from './update-limits.ts'
import type { ReadItem, ReadUpdate, StructId } from './update-reader.ts'

/** Part of an item that the update brings, at its place among the others that hang below the same item of the document. */
interface Node {
  readonly client: number
  readonly clock: number
  length: number
  readonly origin: StructId | undefined
  readonly rightOrigin: StructId | undefined
  next: Node | undefined
}

/** Items of the update that stand in one gap of the document, in their order. */
interface Gap {
  first: Node | undefined
}

type AnyType = Y.AbstractType<Y.YEvent<Y.AbstractType<unknown>>>

/** A list of the document: a type, and in a map a key. */
interface Parent {
  readonly type: AnyType
  readonly sub: string | undefined
}

const TOO_COSTLY = Symbol('too costly')

/**
 * Counts the steps that Yjs will take to find the places of an update's items: it passes every item that others put at the same
 * place. Many items at one place take Yjs a time that grows with their square, at every load again.
 */
export class PlacementCost {
  readonly #graph: StructGraph
  readonly #nodes = new Map<number, Node[]>()
  readonly #gaps = new Map<string, Gap>()
  readonly #gapOf = new Map<Node, Gap>()
  readonly #parents = new Map<ReadItem, Parent | undefined>()
  readonly #answers: ListAnswers<Parent | undefined> = {
    find: (id) => this.#graph.find(id),
    ofStored: ({ parent, parentSub }) =>
      parent instanceof Y.AbstractType ? { type: parent, sub: parentSub ?? undefined } : undefined,
    under: (parent, sub) => this.#parentUnder(parent, sub),
    gone: undefined,
    missing: undefined,
  }
  readonly #stepsMax: number
  #steps = 0

  constructor(graph: StructGraph, stepsMax: number = UPDATE_LIMITS.placementStepsMax) {
    this.#graph = graph
    this.#stepsMax = stepsMax
  }

  /** The steps that were counted. */
  get steps(): number {
    return this.#steps
  }

  check(update: ReadUpdate): BlocksRefusal | undefined {
    const { store } = this.#graph.doc
    const items: ReadItem[] = []
    for (const [client, structs] of update.structs) {
      const state = Y.getState(store, client)
      for (const struct of structs) if (struct.kind === 'item' && struct.clock >= state) items.push(struct)
    }
    try {
      for (const item of items) this.#countStored(item)
      // Among so few items of its own, no update takes more steps than are allowed.
      if (items.length > UPDATE_LIMITS.placementItemsFree) this.#placeAll(items)
    } catch (thrown) {
      if (thrown !== TOO_COSTLY) throw thrown
      const reason = `The update has too many items at one place: to place them takes more than ${this.#stepsMax} steps. Send the edits in smaller updates, and write long lists from their beginning to their end`
      return { ...refuse('too_costly', reason), isEstimate: true }
    }
    return undefined
  }

  /** Counts the items of the document that an item has to pass. */
  #countStored(item: ReadItem): void {
    const { origin, rightOrigin } = item
    let passed: Set<Y.Item> | undefined
    let next: Y.Item | null
    if (origin !== undefined) {
      if (!this.#isStored(origin)) return
      const left = this.#graph.find(origin)
      if (!(left instanceof Y.Item)) return
      // Yjs splits the item behind its left neighbour and passes the rest, unless that is the right neighbour.
      if (origin.clock + 1 < left.id.clock + left.length) {
        if (isSameId(rightOrigin, { client: origin.client, clock: origin.clock + 1 })) return
        passed = new Set([left])
      }
      next = left.right
    } else {
      const parent = this.#parentOf(item)
      if (parent === undefined) return
      const { type, sub } = parent
      next = sub === undefined ? type._start : firstOf(type._map.get(sub))
    }
    for (; next !== null; next = next.right) {
      if (rightOrigin !== undefined && isSameId(next.id, rightOrigin)) return
      if (!isSameId(next.origin, origin)) {
        if (next.origin === null || !passed?.has(Y.getItem(this.#graph.doc.store, next.origin) as Y.Item)) return
      }
      passed ??= new Set()
      passed.add(next)
      this.#step()
    }
  }

  /**
   * The type of the document in which an item stands; undefined where the document has none. An item with a neighbour has the
   * parent of that, which may be of the update, too.
   */
  #parentOf(item: ReadItem): Parent | undefined {
    return inherited(item, this.#parents, this.#answers)
  }

  #parentUnder(parent: string | StructId, sub: string | undefined): Parent | undefined {
    const type = this.#typeAt(parent)
    return type && { type, sub }
  }

  #typeAt(parent: string | StructId): AnyType | undefined {
    if (typeof parent === 'string') return this.#graph.doc.share.get(parent)
    const holder = this.#isStored(parent) ? this.#graph.find(parent) : undefined
    return holder instanceof Y.Item && holder.content instanceof Y.ContentType ? holder.content.type : undefined
  }

  #isStored({ client, clock }: StructId): boolean {
    return clock < Y.getState(this.#graph.doc.store, client)
  }

  /** Places the items among each other as Yjs does, each after those that it builds on. */
  #placeAll(items: readonly ReadItem[]): void {
    const ofClient = new Map<number, ReadItem[]>()
    for (const item of items) {
      const list = ofClient.get(item.client)
      if (list === undefined) ofClient.set(item.client, [item])
      else list.push(item)
    }
    const done = new Map<number, number>()
    const isBehind = ({ client, clock }: StructId): boolean => {
      const list = ofClient.get(client)
      const item = list?.[done.get(client) ?? 0]
      return item !== undefined && item.clock <= clock
    }
    for (const client of [...ofClient.keys()].sort((a, b) => b - a)) {
      const stack = [client]
      while (stack.length > 0) {
        const current = stack.at(-1) as number
        const at = done.get(current) ?? 0
        const item = ofClient.get(current)?.[at]
        const isNeeded = (id: StructId | undefined): id is StructId =>
          id !== undefined && id.client !== current && isBehind(id)
        const needed = isNeeded(item?.origin) ? item.origin : isNeeded(item?.rightOrigin) ? item.rightOrigin : undefined
        if (needed !== undefined && !stack.includes(needed.client)) {
          stack.push(needed.client)
          continue
        }
        if (item !== undefined) {
          this.#place(item)
          done.set(current, at + 1)
        }
        // A client that was needed goes on only as far as it is needed.
        if (stack.length > 1 || item === undefined) stack.pop()
      }
    }
  }

  #place(item: ReadItem): void {
    const { origin, rightOrigin } = item
    const left = origin === undefined ? undefined : this.#split(origin, 1)
    const right = rightOrigin === undefined ? undefined : this.#split(rightOrigin, 0)
    const node: Node = {
      client: item.client,
      clock: item.clock,
      length: item.length,
      origin,
      rightOrigin,
      next: undefined,
    }
    const gap = (left === undefined ? undefined : this.#gapOf.get(left)) ?? this.#gapAt(item)
    const after = this.#placeAfter(node, left, gap, right)
    node.next = after === undefined ? gap.first : after.next
    if (after === undefined) gap.first = node
    else after.next = node
    this.#gapOf.set(node, gap)
    const nodes = this.#nodes.get(item.client)
    if (nodes === undefined) this.#nodes.set(item.client, [node])
    else nodes.push(node)
  }

  /** Yjs's search for the place of an item. */
  #placeAfter(node: Node, left: Node | undefined, gap: Gap, right: Node | undefined): Node | undefined {
    let after = left
    let next = left === undefined ? gap.first : left.next
    // Most items have their place to themselves.
    if (next === undefined || next === right) return after
    const passed = new Set<Node>()
    const conflicting = new Set<Node>()
    for (; next !== undefined && next !== right; next = next.next) {
      this.#step()
      passed.add(next)
      conflicting.add(next)
      if (isSameId(next.origin, node.origin)) {
        if (next.client < node.client) {
          after = next
          conflicting.clear()
        } else if (isSameId(next.rightOrigin, node.rightOrigin)) break
        continue
      }
      const above = next.origin === undefined ? undefined : this.#nodeAt(next.origin)
      if (above === undefined || !passed.has(above)) break
      if (!conflicting.has(above)) {
        after = next
        conflicting.clear()
      }
    }
    return after
  }

  /** The gap of the document in which an item stands whose left neighbour the document has, or that has none. */
  #gapAt(item: ReadItem): Gap {
    const key =
      item.origin === undefined ? (this.#graph.listOf(item) ?? '') : `${item.origin.client} ${item.origin.clock}`
    const known = this.#gaps.get(key)
    if (known !== undefined) return known
    const gap: Gap = { first: undefined }
    this.#gaps.set(key, gap)
    return gap
  }

  /** The node that ends (`offset` 1) or begins (`offset` 0) at an id, split off where it is part of a longer one. */
  #split(id: StructId, offset: number): Node | undefined {
    const nodes = this.#nodes.get(id.client)
    const index = nodes === undefined ? -1 : indexOf(nodes, id.clock)
    const node = nodes?.[index]
    if (nodes === undefined || node === undefined) return undefined
    const at = id.clock + offset - node.clock
    if (at === 0 || at === node.length) return node
    const rest: Node = {
      client: node.client,
      clock: node.clock + at,
      length: node.length - at,
      origin: { client: node.client, clock: node.clock + at - 1 },
      rightOrigin: node.rightOrigin,
      next: node.next,
    }
    node.length = at
    node.next = rest
    nodes.splice(index + 1, 0, rest)
    this.#gapOf.set(rest, this.#gapOf.get(node) as Gap)
    return offset === 0 ? rest : node
  }

  #nodeAt(id: StructId): Node | undefined {
    const nodes = this.#nodes.get(id.client)
    return nodes?.[indexOf(nodes, id.clock)]
  }

  #step(): void {
    this.#steps++
    if (this.#steps > this.#stepsMax) throw TOO_COSTLY
  }
}

function firstOf(item: Y.Item | undefined): Y.Item | null {
  let first = item ?? null
  while (first !== null && first.left !== null) first = first.left
  return first
}

/** Index of the node that holds a clock; -1 if there is none. */
function indexOf(nodes: readonly Node[], clock: number): number {
  let low = 0
  let high = nodes.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const node = nodes[middle] as Node
    if (clock < node.clock) high = middle - 1
    else if (clock >= node.clock + node.length) low = middle + 1
    else return middle
  }
  return -1
}
