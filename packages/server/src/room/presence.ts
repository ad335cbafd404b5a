import { type AwarenessState, decodeAwarenessStates, encodeAwareness, encodeAwarenessStates } from '@joinery/protocol'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'
import { AwarenessTable } from './awareness-table.ts'
import type { Member } from './member.ts'

/** Whether two members are the same person, who may reconnect before the server notices that the old socket is dead. */
const isSameActor = (from: Member, to: Member): boolean => from.identity.actor === to.identity.actor

/** A room's awareness: the people present, and the changes that the others have not been told yet. */
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

  /** Takes an awareness update. Throws `bad_frame` for one that is malformed or too large. */
  receive(update: Uint8Array, member: Member): void {
    let states: AwarenessState[]
    try {
      if (update.length > this.#limits.awarenessBytesMax)
        throw new Error(`over ${this.#limits.awarenessBytesMax} bytes`)
      states = decodeAwarenessStates(update)
    } catch (cause) {
      const { awarenessBytesMax } = this.#limits
      const reason = `the awareness update is malformed or too large, at most ${awarenessBytesMax} bytes are allowed`
      throw new ServerError('bad_frame', reason, { cause })
    }
    for (const state of states) {
      if (state.json.length > this.#limits.awarenessStateBytesMax) continue
      if (this.#table.apply(state, member)) this.#news.set(state.clientId, state)
    }
  }

  /** Forgets a connection that closed. The next news tells the others. */
  release(member: Member): void {
    for (const state of this.#table.release(member)) this.#news.set(state.clientId, state)
  }

  get hasNews(): boolean {
    return this.#news.size > 0
  }

  /** One frame with the changes since the last call. */
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
