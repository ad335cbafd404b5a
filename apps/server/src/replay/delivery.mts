import * as Y from 'yjs'

/** One author's transaction as it was sent. It tells whether a document has it, and can be applied to another document. */
export interface SentTransaction {
  /** One Yjs V1 update; undefined when the transaction changed nothing. */
  readonly update: Uint8Array | undefined
  /** Client id of the structs that it made. */
  readonly clientId: number
  /** Clock after the last of these structs. */
  readonly endClock: number
  /** Ranges that it deleted: client, first clock, length. */
  readonly deleted: readonly (readonly [clientId: number, clock: number, length: number])[]
}

/** Whether all of a transaction, insertions and deletions, has reached `doc`. */
export function holds(doc: Y.Doc, { clientId, endClock, deleted }: SentTransaction): boolean {
  if (Y.getState(doc.store, clientId) < endClock) return false
  return deleted.every(([client, clock, length]) => {
    if (Y.getState(doc.store, client) < clock + length) return false
    for (let at = clock; at < clock + length; ) {
      const struct = Y.getItem(doc.store, Y.createID(client, at))
      if (!struct.deleted) return false
      at = struct.id.clock + struct.length
    }
    return true
  })
}

/**
 * Tracks how many of each author's transactions have reached one client's document. The server may merge updates, so it
 * looks at the document itself instead of at frames.
 */
export class Delivery {
  readonly #doc: Y.Doc
  readonly #sentByAuthor: readonly (readonly SentTransaction[])[]
  readonly #delivered: number[]

  constructor(doc: Y.Doc, sentByAuthor: readonly (readonly SentTransaction[])[]) {
    this.#doc = doc
    this.#sentByAuthor = sentByAuthor
    this.#delivered = sentByAuthor.map(() => 0)
  }

  /** Resolves when the first `wanted[author]` transactions of each author are in the document; rejects with the signal's reason. */
  async until(wanted: readonly number[], signal: AbortSignal): Promise<void> {
    while (!this.#has(wanted)) await nextChange(this.#doc, signal)
  }

  #has(wanted: readonly number[]): boolean {
    return wanted.every((count, author) => {
      const sent = this.#sentByAuthor[author] ?? []
      let delivered = this.#delivered[author] ?? 0
      for (let next = sent[delivered]; delivered < count && next !== undefined; next = sent[delivered]) {
        if (!holds(this.#doc, next)) break
        delivered++
      }
      this.#delivered[author] = delivered
      return delivered >= count
    })
  }
}

function nextChange(doc: Y.Doc, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      doc.off('update', onUpdate)
      signal.removeEventListener('abort', onAbort)
    }
    const onUpdate = (): void => {
      stop()
      resolve()
    }
    const onAbort = (): void => {
      stop()
      reject(signal.reason)
    }
    if (signal.aborted) return reject(signal.reason)
    doc.on('update', onUpdate)
    signal.addEventListener('abort', onAbort)
  })
}
