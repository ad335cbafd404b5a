import { type AwarenessState, decodeAwarenessStates, encodeAwareness, encodeAwarenessStates } from '@joinery/protocol'
import type { Logger } from 'pino'
import type { Counters } from '../counters.ts'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'
import { AwarenessTable } from './awareness-table.ts'
import type { Member } from './member.ts'

/** Whether two members are the same person, who may reconnect before the server notices that the old socket is dead. */
const isSameActor = (from: Member, to: Member): boolean => from.identity.actor === to.identity.actor

interface PresenceContext {
  readonly limits: ServerLimits
  readonly counters: Counters
  readonly logger: Logger
}

/** A room's awareness: the people present, and the changes that the others have not been told yet. */
export class Presence {
  readonly #limits: ServerLimits
  readonly #counters: Counters
  readonly #logger: Logger
  readonly #tooLarge = new WeakSet<Member>()
  readonly #table: AwarenessTable<Member>
  #news = new Map<number, AwarenessState>()

  constructor({ limits, counters, logger }: PresenceContext) {
    this.#limits = limits
    this.#counters = counters
    this.#logger = logger
    this.#table = new AwarenessTable({
      mayTakeOver: isSameActor,
      clientsPerOwnerMax: limits.awarenessClientsMax,
    })
  }

  /** Takes an awareness update. Returns its states; undefined for one that is malformed or too large: its member is refused. */
  receive(update: Uint8Array, member: Member): readonly AwarenessState[] | undefined {
    let states: AwarenessState[]
    try {
      if (update.length > this.#limits.awarenessBytesMax)
        throw new Error(`over ${this.#limits.awarenessBytesMax} bytes`)
      states = decodeAwarenessStates(update)
    } catch (cause) {
      const { awarenessBytesMax } = this.#limits
      const reason = `the awareness update is malformed or too large, at most ${awarenessBytesMax} bytes are allowed`
      member.refuse(new ServerError('bad_frame', reason, { cause }))
      return undefined
    }
    for (const state of states) {
      if (Buffer.byteLength(state.json) > this.#limits.awarenessStateBytesMax) {
        this.#noteTooLarge(state, member)
        continue
      }
      if (this.#table.apply(state, member)) this.#news.set(state.clientId, state)
    }
    return states
  }

  /** The log names each connection once: a cursor moves many times a second. */
  #noteTooLarge({ json }: AwarenessState, member: Member): void {
    this.#counters.largePresence++
    if (this.#tooLarge.has(member)) return
    this.#tooLarge.add(member)
    const about = { workspace: member.room?.workspace, connection: member.wire.id, actor: member.identity.actor }
    const reason = `a presence state holds at most ${this.#limits.awarenessStateBytesMax} bytes, this one ${Buffer.byteLength(json)}`
    this.#logger.info({ ...about, code: 'too_large', reason }, 'presence not relayed')
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
