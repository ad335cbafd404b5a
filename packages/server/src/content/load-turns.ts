import { setImmediate as nextTurn } from 'node:timers/promises'
import type * as Y from 'yjs'
import { Turns } from '../turns.ts'

/** Items that are read at once, at most, before they are applied. */
const CHUNK = 1_000

/** The turns of the event loop that long loads take. All loads of a server together take one, then others have theirs. */
export class LoadTurns {
  readonly #turnMs: number
  readonly #turns = new Turns(1)

  /** @param turnMs time after which a load gives its turn up, ms */
  constructor(turnMs: number) {
    this.#turnMs = turnMs
  }

  /** Calls `apply` with each item in order, in transactions of `origin` that each last about a turn. Rejects with the error of either. */
  async apply<T>(
    doc: Y.Doc,
    items: AsyncIterable<T> | Iterable<T>,
    apply: (item: T) => void,
    origin: unknown,
  ): Promise<void> {
    let chunk: T[] = []
    const flush = async (): Promise<void> => {
      for (let at = 0; at < chunk.length; ) {
        const sinceMs = performance.now()
        doc.transact(() => {
          do apply(chunk[at++] as T)
          while (at < chunk.length && performance.now() - sinceMs < this.#turnMs)
        }, origin)
        await this.pause()
      }
      chunk = []
    }
    for await (const item of items) if (chunk.push(item) >= CHUNK) await flush()
    await flush()
  }

  /** Resolves in a later turn, and for one caller in each. */
  pause(): Promise<void> {
    return this.#turns.take(() => nextTurn())
  }
}
