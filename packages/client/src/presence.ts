import { WIRE_LIMITS } from '@joinery/protocol'
import type { Awareness } from 'y-protocols/awareness'
import { ClientError } from './client-error.ts'
import { type Observable, ObservableValue } from './observable-value.ts'

/** What one says about oneself: any JSON object, at most 4 KiB as JSON. */
export type PresenceState = Readonly<Record<string, unknown>>

/** Somebody else who is in the workspace now. */
export interface Peer {
  /** Yjs client id: changes when they reload. */
  readonly clientId: number
  readonly state: PresenceState
}

const encoder = new TextEncoder()

/** Who else is here: a thin layer on y-protocols' awareness that survives the swap of a replica. */
export class Presence {
  #awareness: Awareness | undefined
  #own: PresenceState | undefined
  readonly #others = new ObservableValue<readonly Peer[]>([])

  /** Everybody else who said something, by client id. Empty while offline. */
  get others(): Observable<readonly Peer[]> {
    return this.#others
  }

  /** What was last set. */
  get(): PresenceState | undefined {
    return this.#own
  }

  /** Shows `state` to everybody else until it is set again; undefined leaves. Throws `presence_too_large`. */
  set(state: PresenceState | undefined): void {
    if (state !== undefined) {
      const bytes = encoder.encode(JSON.stringify(state)).length
      const bytesMax = WIRE_LIMITS.awarenessStateBytesMax
      if (bytes > bytesMax) {
        throw new ClientError(
          'presence_too_large',
          `a presence state takes at most ${bytesMax} bytes, this one ${bytes}`,
        )
      }
    }
    this.#own = state
    this.#awareness?.setLocalState(state ?? null)
  }

  /** Follows another replica's awareness, and says there what was said on the last one. */
  attach(awareness: Awareness): void {
    this.#awareness?.off('change', this.#onChange)
    this.#awareness = awareness
    awareness.on('change', this.#onChange)
    if (this.#own !== undefined) awareness.setLocalState(this.#own)
    this.#onChange()
  }

  readonly #onChange = (): void => {
    const awareness = this.#awareness
    if (awareness === undefined) return
    const known = new Map(this.#others.get().map((peer) => [peer.clientId, peer]))
    const peers: Peer[] = []
    for (const [clientId, state] of awareness.getStates()) {
      if (clientId === awareness.clientID) continue
      const peer = known.get(clientId)
      // A peer that did not change stays the same object, so that a list of them need not draw it again.
      peers.push(peer?.state === state ? peer : { clientId, state })
    }
    peers.sort((a, b) => a.clientId - b.clientId)
    const before = this.#others.get()
    if (peers.length !== before.length || peers.some((peer, i) => peer !== before[i])) this.#others.set(peers)
  }
}
