import {
  type AwarenessState,
  decodeAwarenessStates,
  encodeAwareness,
  encodeAwarenessStates,
  PRESENCE_ACTOR_KEY,
} from '@joinery/protocol'
import type { Logger } from 'pino'
import type { Counters } from '../counters.ts'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'
import { encodeBinaryMessage } from '../ws-frame.ts'
import { AwarenessTable } from './awareness-table.ts'
import type { Member } from './member.ts'

/** Whether two members are the same person, who may reconnect before the server notices that the old socket is dead. */
const isSameActor = (from: Member, to: Member): boolean => from.identity.actor === to.identity.actor

/**
 * Bytes of states in one frame, about. A stock client sends back what it is sent, and such a frame must be under the limit of
 * an awareness frame.
 */
const FRAME_BYTES = 64 * 1024
/** Changes that are kept beyond two for each present client, for members that read too slowly. */
const SPARE_CHANGES = 1_024

export interface PresenceContext {
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
  /** The last change of each client, oldest first. A client that is gone stays for a while. */
  readonly #changes = new Map<number, { readonly state: AwarenessState; readonly no: number }>()
  #count = 0
  /** Number of the last change that is not kept any more. */
  #forgotten = 0
  /** Messages with everybody's state; undefined since the last change. */
  #everybody: readonly Uint8Array[] | undefined

  constructor({ limits, counters, logger }: PresenceContext) {
    this.#limits = limits
    this.#counters = counters
    this.#logger = logger
    this.#table = new AwarenessTable({
      mayTakeOver: isSameActor,
      clientsPerOwnerMax: limits.awarenessClientsMax,
      bytesMax: limits.presenceBytesMax,
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
      this.#apply({ ...state, json: withActor(state.json, member.identity.actor) }, member)
    }
    return states
  }

  #apply(state: AwarenessState, member: Member): void {
    if (!this.#table.apply(state, member)) return
    this.#news.set(state.clientId, state)
    this.#everybody = undefined
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
    this.#everybody = undefined
  }

  get hasNews(): boolean {
    return this.#news.size > 0
  }

  /** Number of the last change that {@link takeNews} has given. */
  get count(): number {
    return this.#count
  }

  /** Messages with the changes since the last call. A change is numbered when its message is given. */
  *takeNews(): Iterable<Uint8Array> {
    const news = [...this.#news.values()]
    this.#news = new Map()
    for (const states of inFrames(news)) {
      for (const state of states) this.#number(state)
      yield encodeStates(states)
    }
  }

  /** Messages with what has changed after change `no`: the last state of each client. Undefined when it is not known any more. */
  since(no: number): readonly Uint8Array[] | undefined {
    if (no < this.#forgotten) return undefined
    const missed: AwarenessState[] = []
    for (const change of this.#changes.values()) if (change.no > no) missed.push(change.state)
    return inFrames(missed).map(encodeStates)
  }

  /** Messages with everybody's state, the same bytes until it changes. */
  everybody(): readonly Uint8Array[] {
    this.#everybody ??= inFrames(this.#table.states()).map(encodeStates)
    return this.#everybody
  }

  #number(state: AwarenessState): void {
    this.#changes.delete(state.clientId)
    this.#changes.set(state.clientId, { state, no: ++this.#count })
    if (this.#changes.size <= SPARE_CHANGES + 2 * this.#table.size) return
    const [oldest] = this.#changes as Iterable<[number, { readonly no: number }]>
    if (oldest === undefined) return
    this.#changes.delete(oldest[0])
    this.#forgotten = oldest[1].no
  }
}

function encodeStates(states: readonly AwarenessState[]): Uint8Array {
  return encodeBinaryMessage(encodeAwareness(encodeAwarenessStates(states)))
}

function inFrames(states: readonly AwarenessState[]): AwarenessState[][] {
  const frames: AwarenessState[][] = []
  let bytes = FRAME_BYTES
  for (const state of states) {
    if (bytes >= FRAME_BYTES) {
      frames.push([])
      bytes = 0
    }
    frames.at(-1)?.push(state)
    bytes += Buffer.byteLength(state.json)
  }
  return frames
}

/**
 * A client's state with the actor of its token. The last of two equal keys counts in JSON, so that no client can name
 * another. States that are no object stay as they are.
 */
function withActor(json: string, actor: string): string {
  const text = json.trim()
  if (!text.startsWith('{')) return json
  const fields = text.slice(1, -1).trim()
  const named = `${JSON.stringify(PRESENCE_ACTOR_KEY)}:${JSON.stringify(actor)}`
  return fields === '' ? `{${named}}` : `{${fields},${named}}`
}
