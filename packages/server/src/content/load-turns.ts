import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type * as Y from 'yjs'
import type { ServerLimits } from '../limits.ts'
import { Turns } from '../turns.ts'
import { paceOf, type Steps } from './steps.ts'

/** Items that are read at once, at most, before they are applied. */
const CHUNK = 1_000

/** Turns that are shorter, ms, follow each other without a rest. */
const SHORT_TURN_MS = 2
/** A request takes a dozen turns of the event loop and some ms: in a rest of so many ms it is answered, and waits for one long turn. */
const REST_MS = 25
/** The longest rest after a turn, ms. */
const REST_MS_MAX = 100
/** Tasks in the queue from which on a rest is only as long as the turn was: everybody waits for long work, as after a restart. */
const MANY_WAITING = 4

/**
 * The turns of the event loop that long work takes. All of it together takes one, then others have theirs. While others have work, they
 * also have some time after each turn.
 */
export class LoadTurns {
  readonly #turnMs: number
  readonly #stepsMs: number
  readonly #isWanted: () => boolean
  readonly #turns = new Turns(1)
  #stepsEndMs = 0
  /** Time that steps have taken in this turn, ms. */
  #stepsTookMs = 0
  #waiting = 0
  /** Time that the last turn took, ms. */
  #tookMs = 0
  /** The pace of all steps that are done in these turns. */
  readonly pace = paceOf(() => performance.now() >= this.#stepsEndMs)

  /**
   * @param limits times after which a load, and the steps of anything else, give their turn up
   * @param isWanted whether others have work now; by default nobody has
   */
  constructor(
    { trialTurnMs, answerTurnMs }: Pick<ServerLimits, 'trialTurnMs' | 'answerTurnMs'>,
    isWanted: () => boolean = () => false,
  ) {
    this.#turnMs = trialTurnMs
    this.#stepsMs = answerTurnMs
    this.#isWanted = isWanted
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

  /**
   * Goes on with steps of this {@link pace} until they or the turn are over. Returns their result; undefined before the last. All parts
   * in one turn of the event loop have the time of one together: many ask for long answers in the same moment.
   */
  part<T>(steps: Steps<T>): { readonly value: T } | undefined {
    const sinceMs = performance.now()
    if (this.#stepsTookMs === 0) setImmediate(() => this.#endStepsTurn())
    this.#stepsEndMs = sinceMs + this.#stepsMs - this.#stepsTookMs
    const { done, value } = steps.next()
    this.#stepsTookMs += performance.now() - sinceMs
    return done ? { value } : undefined
  }

  #endStepsTurn(): void {
    this.#stepsTookMs = 0
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
  async pause(): Promise<void> {
    this.#waiting++
    await this.#turns.take(async () => {
      await nextTurn()
      if (this.#tookMs > SHORT_TURN_MS && this.#isWanted()) await delay(this.#restMs())
      this.#measureTurn()
    })
    this.#waiting--
  }

  #restMs(): number {
    const restMs = this.#waiting > MANY_WAITING ? this.#tookMs : Math.max(REST_MS, 2 * this.#tookMs)
    return Math.min(restMs, REST_MS_MAX)
  }

  /** Called just before the caller that has this turn goes on, which is before the next phase of the event loop. */
  #measureTurn(): void {
    const sinceMs = performance.now()
    this.#tookMs = 0
    setImmediate(() => {
      this.#tookMs = performance.now() - sinceMs
    })
  }
}
