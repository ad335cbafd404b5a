import { type AwarenessState, decodeAwarenessStates, encodeAwareness, encodeAwarenessStates } from '@joinery/protocol'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'
import { AwarenessTable } from './awareness-table.ts'
import type { Member } from './member.ts'

/** The same person, reconnecting before the old socket was noticed dead. */
const isSameActor = (from: Member, to: Member): boolean => from.identity.actor === to.identity.actor

/** A room's awareness: who is present, and what of it the others have not been told yet. */
export class Presence {
  readonly #limits: ServerLimits
  readonly #table: AwarenessTable<Member>
  #news = new Map<number, AwarenessState>()

  constructor(limits: ServerLimits) {
    this.#limits = limits
    this.#table = new AwarenessTable({
      mayTakeOver: isSameActor,
      clientsPerOwnerMax: limits.awarenessClientsMax,
    })
  }

  /** Takes an awareness update in. Throws `bad_frame` when others could not read it. */
  receive(update: Uint8Array, member: Member): void {
    let states: AwarenessState[]
    try {
      if (update.length > this.#limits.awarenessBytesMax)
        throw new Error(`over ${this.#limits.awarenessBytesMax} bytes`)
      states = decodeAwarenessStates(update)
    } catch (cause) {
      throw new ServerError('bad_frame', 'the awareness update is malformed or too large', { cause })
    }
    for (const state of states) {
      if (state.json.length > this.#limits.awarenessStateBytesMax) continue
      if (this.#table.apply(state, member)) this.#news.set(state.clientId, state)
    }
  }

  /** Forgets a connection that closed, and the others hear of it. */
  release(member: Member): void {
    for (const state of this.#table.release(member)) this.#news.set(state.clientId, state)
  }

  get hasNews(): boolean {
    return this.#news.size > 0
  }

  /** One frame with what changed since the last call. */
  takeNews(): Uint8Array {
    const frame = encodeAwareness(encodeAwarenessStates([...this.#news.values()]))
    this.#news = new Map()
    return frame
  }

  /** One frame with everybody's state; undefined when nobody is present. */
  everybody(): Uint8Array | undefined {
    return this.#table.size === 0 ? undefined : encodeAwareness(encodeAwarenessStates(this.#table.states()))
  }
}
