import type { AwarenessState } from '@joinery/protocol'

/** Awareness state of a client that has left, as JSON. */
const GONE = 'null'

interface Owned<Owner> {
  state: AwarenessState
  owner: Owner
}

/**
 * The people present in a room: the last state of each awareness client, and the connection that owns the client.
 *
 * - There is no Yjs Awareness, since its timer would wake up for every idle room.
 * - A state counts only from its owner, since y-websocket clients send back every state that they are sent.
 * - Another connection takes a client over when `mayTakeOver` says so and the clock has moved: the same person may
 *   reconnect before the server notices that the old socket is dead.
 */
export class AwarenessTable<Owner> {
  readonly #clients = new Map<number, Owned<Owner>>()
  /** The client ids of each owner that has any: a frame may bring tens of thousands of new ones into a room of as many. */
  readonly #idsOf = new Map<Owner, Set<number>>()
  readonly #mayTakeOver: (from: Owner, to: Owner) => boolean
  readonly #clientsPerOwnerMax: number
  readonly #bytesMax: number
  #bytes = 0

  constructor(options: {
    mayTakeOver: (from: Owner, to: Owner) => boolean
    clientsPerOwnerMax: number
    bytesMax?: number
  }) {
    this.#mayTakeOver = options.mayTakeOver
    this.#clientsPerOwnerMax = options.clientsPerOwnerMax
    this.#bytesMax = options.bytesMax ?? Number.POSITIVE_INFINITY
  }

  /** Applies one state. Returns whether the others should get it. A state for which there is no room is not applied. */
  apply(state: AwarenessState, owner: Owner): boolean {
    const known = this.#clients.get(state.clientId)
    if (known === undefined) {
      if (state.json === GONE || (this.#idsOf.get(owner)?.size ?? 0) >= this.#clientsPerOwnerMax) return false
      if (!this.#takeBytes(state)) return false
      this.#clients.set(state.clientId, { state, owner })
      this.#give(state.clientId, owner)
      return true
    }
    const isNewer = state.clock > known.state.clock
    if (owner !== known.owner && !(isNewer && this.#mayTakeOver(known.owner, owner))) return false
    if (state.json === GONE) {
      if (state.clock < known.state.clock) return false
      this.#clients.delete(state.clientId)
      this.#take(state.clientId, known.owner)
      this.#bytes -= known.state.json.length
      return true
    }
    if (!isNewer || !this.#takeBytes(state, known.state)) return false
    known.state = state
    if (owner !== known.owner) {
      this.#take(state.clientId, known.owner)
      this.#give(state.clientId, owner)
    }
    known.owner = owner
    return true
  }

  /** Forgets the clients of a connection that closed. Returns the states that tell the others so. */
  release(owner: Owner): AwarenessState[] {
    const gone: AwarenessState[] = []
    for (const clientId of this.#idsOf.get(owner) ?? []) {
      const known = this.#clients.get(clientId)
      if (known === undefined) continue
      this.#clients.delete(clientId)
      this.#bytes -= known.state.json.length
      // The same clock, not the next: y-protocols accepts null at an equal clock, and the client's next state stays
      // newer.
      gone.push({ clientId, clock: known.state.clock, json: GONE })
    }
    this.#idsOf.delete(owner)
    return gone
  }

  /** The state of every present client, for a new member. */
  states(): AwarenessState[] {
    return Array.from(this.#clients.values(), (known) => known.state)
  }

  get size(): number {
    return this.#clients.size
  }

  #takeBytes({ json }: AwarenessState, before?: AwarenessState): boolean {
    const bytes = this.#bytes + json.length - (before?.json.length ?? 0)
    if (bytes > this.#bytesMax) return false
    this.#bytes = bytes
    return true
  }

  #give(clientId: number, owner: Owner): void {
    const ids = this.#idsOf.get(owner)
    if (ids === undefined) this.#idsOf.set(owner, new Set([clientId]))
    else ids.add(clientId)
  }

  #take(clientId: number, owner: Owner): void {
    const ids = this.#idsOf.get(owner)
    if (ids?.delete(clientId) && ids.size === 0) this.#idsOf.delete(owner)
  }
}
