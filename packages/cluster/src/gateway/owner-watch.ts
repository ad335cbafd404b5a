import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import type { Owner } from '../nodes/cluster-ownership.ts'
import type { Nodes } from '../nodes/nodes.ts'

/** Pause between two questions to an owner, ms. */
const ASK_MS = 1_000

interface Watched {
  readonly owner: Owner
  /** Number of those who wait for bytes of this owner. */
  count: number
  cancel: () => void
}

/**
 * Asks the owners that this node passes clients on to whether they still answer. A process that has died closes its connections; a
 * machine that is stalled or cut off does not.
 */
export class OwnerWatch {
  readonly #nodes: Nodes
  readonly #clock: SteadyClock
  readonly #onGone: (session: string) => void
  readonly #watched = new Map<string, Watched>()
  /** Runs that are asked at once, since a connection to them has ended without a word. */
  readonly #doubted = new Set<string>()

  /** `onGone` is called with the run of a node that does not answer, while this node itself reaches the engine. */
  constructor(nodes: Nodes, onGone: (session: string) => void, clock = systemSteadyClock) {
    this.#nodes = nodes
    this.#onGone = onGone
    this.#clock = clock
  }

  /** Watches an owner until the returned function is called. */
  watch(owner: Owner): () => void {
    const watched = this.#watched.get(owner.session) ?? { owner, count: 0, cancel: () => {} }
    if (watched.count++ === 0) {
      this.#watched.set(owner.session, watched)
      this.#askLater(watched)
    }
    let isWatching = true
    return () => {
      if (!isWatching) return
      isWatching = false
      if (--watched.count > 0) return
      watched.cancel()
      this.#watched.delete(owner.session)
    }
  }

  /** Asks an owner at once. Somebody else may take connections at its address after its death, and end them. */
  async doubt(owner: Owner): Promise<void> {
    if (this.#doubted.has(owner.session)) return
    this.#doubted.add(owner.session)
    if (!(await this.serves(owner))) this.#onGone(owner.session)
    this.#doubted.delete(owner.session)
  }

  close(): void {
    for (const { cancel } of this.#watched.values()) cancel()
    this.#watched.clear()
  }

  #askLater(watched: Watched): void {
    watched.cancel = this.#clock.after(ASK_MS, () => {
      void this.serves(watched.owner).then((serves) => {
        if (this.#watched.get(watched.owner.session) !== watched) return
        if (!serves) this.#onGone(watched.owner.session)
        if (this.#watched.get(watched.owner.session) === watched) this.#askLater(watched)
      })
    })
  }

  /** False if the owner does not answer, and this node would hear an answer. */
  async serves({ node, session }: Owner): Promise<boolean> {
    try {
      if (await this.#nodes.serves(node, session)) return true
      return (await this.#nodes.ask(this.#nodes.self.node)) === undefined
    } catch {
      // The engine does not answer: nothing is known of the owner, and its clients stay with it.
      return true
    }
  }
}
