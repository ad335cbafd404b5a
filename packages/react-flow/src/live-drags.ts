import type { Observable, Workspace } from '@joinery/client'
import type { NodeChange } from '@xyflow/react'
import { type Point, readPosition } from './board-position.ts'

/** Field of a presence state with the blocks that its client drags: `{ <block>: { x, y } }`, in pixels of the flow. */
export const DRAG_FIELD = 'joinery:drag'

export const DRAG_LIMITS = {
  /** Most blocks whose drag one client shows, and most that are read from one: a presence state has 4 KiB for everything. */
  blocksMax: 32,
  /** Longest field, code units of its JSON. */
  lengthMax: 2_000,
  /** Least time between two states, ms: 20 a second look like a movement. */
  delayMs: 50,
} as const

/** Where another client drags a block. */
export interface LiveDrag {
  readonly clientId: number
  readonly position: Point
}

const stores = new WeakMap<Workspace, Observable<ReadonlyMap<string, LiveDrag>>>()
const NOTHING: ReadonlyMap<string, LiveDrag> = new Map()

/** The blocks that others drag now, by id. Of two who drag one block, the greater client id counts. The same map until one of them moves. */
export function liveDragsOf(workspace: Workspace): Observable<ReadonlyMap<string, LiveDrag>> {
  let store = stores.get(workspace)
  if (store === undefined) {
    const { others } = workspace.presence
    let read: { readonly peers: unknown; readonly drags: ReadonlyMap<string, LiveDrag> } | undefined
    store = {
      subscribe: (listener) => others.subscribe(listener),
      get: () => {
        const peers = others.get()
        if (read?.peers === peers) return read.drags
        const drags = dragsOf(peers)
        read = { peers, drags: read !== undefined && isSame(read.drags, drags) ? read.drags : drags }
        return read.drags
      },
    }
    stores.set(workspace, store)
  }
  return store
}

function dragsOf(peers: ReturnType<Workspace['presence']['others']['get']>): ReadonlyMap<string, LiveDrag> {
  let drags: Map<string, LiveDrag> | undefined
  for (const { clientId, state } of peers) {
    const field = state[DRAG_FIELD]
    if (typeof field !== 'object' || field === null) continue
    for (const [id, value] of Object.entries(field).slice(0, DRAG_LIMITS.blocksMax)) {
      const position = readPosition(value)
      if (position === undefined) continue
      drags ??= new Map()
      drags.set(id, { clientId, position })
    }
  }
  return drags ?? NOTHING
}

function isSame(a: ReadonlyMap<string, LiveDrag>, b: ReadonlyMap<string, LiveDrag>): boolean {
  if (a.size !== b.size) return false
  return [...a].every(([id, { clientId, position }]) => {
    const other = b.get(id)
    return other?.clientId === clientId && other.position.x === position.x && other.position.y === position.y
  })
}

/** Shows this client's drags to the others, in the presence state that the application shows. Without one, nobody sees them. */
export class DragSharer {
  readonly #workspace: Workspace
  readonly #dragged = new Map<string, Point>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(workspace: Workspace) {
    this.#workspace = workspace
  }

  /** Takes React Flow's changes. */
  note(changes: readonly NodeChange[]): void {
    let isChanged = false
    for (const change of changes) {
      if (change.type === 'remove') isChanged = this.#dragged.delete(change.id) || isChanged
      if (change.type !== 'position') continue
      const { id, position, dragging } = change
      if (dragging === true && position !== undefined) {
        this.#dragged.set(id, { x: Math.round(position.x), y: Math.round(position.y) })
        isChanged = true
      } else isChanged = this.#dragged.delete(id) || isChanged
    }
    if (!isChanged) return
    // The end is said at once: the others then have the dropped position already.
    if (this.#dragged.size === 0) this.#say()
    else this.#timer ??= setTimeout(() => this.#say(), DRAG_LIMITS.delayMs)
  }

  end(): void {
    if (this.#dragged.size === 0) return
    this.#dragged.clear()
    this.#say()
  }

  #say(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const shown: Record<string, Point> = {}
    let length = 2
    for (const [id, position] of [...this.#dragged].slice(0, DRAG_LIMITS.blocksMax)) {
      length += JSON.stringify({ [id]: position }).length
      if (length > DRAG_LIMITS.lengthMax) break
      shown[id] = position
    }
    const isOver = this.#dragged.size === 0
    this.#workspace.presence.awareness.setLocalStateField(DRAG_FIELD, isOver ? undefined : shown)
  }
}
