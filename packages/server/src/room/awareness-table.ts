import type { AwarenessState } from '@joinery/protocol'

/** Awareness state of a client that has gone, as it travels. */
const GONE = 'null'

interface Owned<Owner> {
  state: AwarenessState
  owner: Owner
}

/**
 * Who is present in a room: the last state of each awareness client and the connection that owns it. It relays without a
 * Yjs Awareness, whose timer per room would wake up for every idle one. y-websocket clients send back every state they
 * are sent, so a state counts only from its owner; another connection takes a client id over when `mayTakeOver` says so
 * (the same person, reconnecting before the old socket was noticed dead) and the clock has moved.
 */
export class AwarenessTable<Owner> {
  readonly #clients = new Map<number, Owned<Owner>>()
  readonly #mayTakeOver: (from: Owner, to: Owner) => boolean
  readonly #clientsPerOwnerMax: number

  constructor(options: { mayTakeOver: (from: Owner, to: Owner) => boolean; clientsPerOwnerMax: number }) {
    this.#mayTakeOver = options.mayTakeOver
    this.#clientsPerOwnerMax = options.clientsPerOwnerMax
  }

  /** Takes one state in. True when it is news that the others should get. */
  apply(state: AwarenessState, owner: Owner): boolean {
    const known = this.#clients.get(state.clientId)
    if (known === undefined) {
      if (state.json === GONE || this.#countOf(owner) >= this.#clientsPerOwnerMax) return false
      this.#clients.set(state.clientId, { state, owner })
      return true
    }
    const isNewer = state.clock > known.state.clock
    if (owner !== known.owner && !(isNewer && this.#mayTakeOver(known.owner, owner))) return false
    if (state.json === GONE) {
      if (state.clock < known.state.clock) return false
      this.#clients.delete(state.clientId)
      return true
    }
    if (!isNewer) return false
    known.state = state
    known.owner = owner
    return true
  }

  /** Forgets the clients of a connection that closed; the states that tell the others. */
  release(owner: Owner): AwarenessState[] {
    const gone: AwarenessState[] = []
    for (const [clientId, known] of this.#clients) {
      if (known.owner !== owner) continue
      this.#clients.delete(clientId)
      // The same clock, not the next: y-protocols takes null at an equal clock, and the client's own next state stays newer.
      gone.push({ clientId, clock: known.state.clock, json: GONE })
    }
    return gone
  }

  /** Every present client's state, for one who joins. */
  states(): AwarenessState[] {
    return Array.from(this.#clients.values(), (known) => known.state)
  }

  get size(): number {
    return this.#clients.size
  }

  #countOf(owner: Owner): number {
    let count = 0
    for (const known of this.#clients.values()) if (known.owner === owner) count++
    return count
  }
}
