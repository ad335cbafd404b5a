import { setImmediate as nextTurn } from 'node:timers/promises'
import type * as Y from 'yjs'
import type { ServerLimits } from '../limits.ts'
import { Turns } from '../turns.ts'
import { paceOf, type Steps } from './steps.ts'

/** Items that are read at once, at most, before they are applied. */
const CHUNK = 1_000

/** The turns of the event loop that long loads take. All loads of a server together take one, then others have theirs. */
export class LoadTurns {
  readonly #turnMs: number
  readonly #stepsMs: number
  readonly #turns = new Turns(1)
  #stepsEndMs = 0
  /** The pace of all steps that are done in these turns. */
  readonly pace = paceOf(() => performance.now() >= this.#stepsEndMs)

  /** @param limits times after which a load, and the steps of anything else, give their turn up */
  constructor({ trialTurnMs, answerTurnMs }: Pick<ServerLimits, 'trialTurnMs' | 'answerTurnMs'>) {
    this.#turnMs = trialTurnMs
    this.#stepsMs = answerTurnMs
  }

  /** Calls `apply` with each item in order, in transactions of `origin` that each last about a turn. Resolves with their time, ms. Rejects with the error of either. */
  async apply<T>(
    doc: Y.Doc,
    items: AsyncIterable<T> | Iterable<T>,
    apply: (item: T) => void,
    origin: unknown,
  ): Promise<number> {
    let chunk: T[] = []
    let spentMs = 0
    const flush = async (): Promise<void> => {
      for (let at = 0; at < chunk.length; ) {
        const sinceMs = performance.now()
        doc.transact(() => {
          do apply(chunk[at++] as T)
          while (at < chunk.length && performance.now() - sinceMs < this.#turnMs)
        }, origin)
        spentMs += performance.now() - sinceMs
        await this.pause()
      }
      chunk = []
    }
    for await (const item of items) if (chunk.push(item) >= CHUNK) await flush()
    await flush()
    return spentMs
  }

  /** Goes on with steps of this {@link pace} until they or the turn are over. Returns their result; undefined before the last. */
  part<T>(steps: Steps<T>): { readonly value: T } | undefined {
    this.#stepsEndMs = performance.now() + this.#stepsMs
    const { done, value } = steps.next()
    return done ? { value } : undefined
  }

  /** Does all steps of this {@link pace}, each in a turn of its own. Rejects with their error. */
  async run<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      const part = this.part(steps)
      if (part !== undefined) return part.value
      await this.pause()
    }
  }

  /** Resolves in a later turn, and for one caller in each. */
  pause(): Promise<void> {
    return this.#turns.take(() => nextTurn())
  }
}
