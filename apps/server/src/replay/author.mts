import * as Y from 'yjs'
import { Delivery, type SentTransaction } from './delivery.mts'
import type { Step } from './schedule.mts'

/** The parts of a replay that an author uses. */
export interface AuthorContext {
  /** Index of this author in {@link sentByAuthor}. */
  readonly author: number
  /** Transactions of every author so far; each author appends its own. */
  readonly sentByAuthor: readonly SentTransaction[][]
  /** The connected document. It has all that the server has delivered, which may be more than a step had seen. */
  readonly connected: Y.Doc
  /** Client id of the author's hand. */
  readonly clientId: number
  /** The text that the history is written into. */
  readonly textOf: (doc: Y.Doc) => Y.Text
}

/**
 * One author of a history. A position in a history is right only in the text that its author saw. So the author writes on
 * a replica of its own, the hand. The hand gets the others' transactions only when the history says so, and only once the
 * server has delivered them to this author's connected document. That document sends the updates of the hand.
 */
export class Author {
  readonly #context: AuthorContext
  readonly #hand = new Y.Doc()
  readonly #delivery: Delivery
  readonly #taken: number[]
  #lastUpdate: Uint8Array | undefined

  constructor(context: AuthorContext) {
    this.#context = context
    this.#delivery = new Delivery(context.connected, context.sentByAuthor)
    this.#taken = context.sentByAuthor.map(() => 0)
    Y.applyUpdate(this.#hand, Y.encodeStateAsUpdate(context.connected))
    this.#hand.clientID = context.clientId
    this.#hand.on('update', (update: Uint8Array) => {
      this.#lastUpdate = update
    })
  }

  /** Waits until the server has delivered the transactions that the step had seen, then applies its patches and sends them. */
  async perform({ seen, patches }: Step, signal: AbortSignal): Promise<void> {
    await this.#delivery.until(seen, signal)
    this.#take(seen)
    this.#lastUpdate = undefined
    const transaction = Y.transact(this.#hand, (current) => {
      const text = this.#context.textOf(this.#hand)
      for (const [position, deleteCount, insert] of patches) {
        if (deleteCount > 0) text.delete(position, deleteCount)
        if (insert !== '') text.insert(position, insert)
      }
      return current
    })
    const sent = this.#describe(transaction)
    this.#context.sentByAuthor[this.#context.author]?.push(sent)
    if (sent.update) Y.applyUpdate(this.#context.connected, sent.update)
  }

  #take(seen: readonly number[]): void {
    for (const [author, count] of seen.entries()) {
      if (author === this.#context.author) continue
      const sent = this.#context.sentByAuthor[author] ?? []
      for (const { update } of sent.slice(this.#taken[author], count)) if (update) Y.applyUpdate(this.#hand, update)
      this.#taken[author] = count
    }
  }

  #describe(transaction: Y.Transaction): SentTransaction {
    const deleted = [...transaction.deleteSet.clients].flatMap(([client, ranges]) =>
      ranges.map(({ clock, len }) => [client, clock, len] as const),
    )
    const { clientId } = this.#context
    return { update: this.#lastUpdate, clientId, endClock: Y.getState(this.#hand.store, clientId), deleted }
  }
}
