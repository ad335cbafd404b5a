import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import { EngineError, type EngineErrorCode } from './engine-error.ts'

/** Pause before an engine that did not answer is asked again, ms. */
const PAUSE_MS = 500
/** Errors of an engine that may answer the same question soon: its servers choose a leader, or one of them has just started. */
const PASSING: ReadonlySet<EngineErrorCode> = new Set(['unavailable', 'no_responders'])

export interface PatienceOptions {
  /** Time for all questions together, ms. */
  readonly waitMs: number
  readonly logger?: { warn(details: object, message: string): void } | undefined
  readonly clock?: SteadyClock
}

/** Asks an engine again that does not answer, for a time that many questions share. */
export class Patience {
  readonly #options: PatienceOptions
  readonly #clock: SteadyClock
  #leftMs: number

  constructor(options: PatienceOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemSteadyClock
    this.#leftMs = options.waitMs
  }

  /**
   * Does `work`, and does it again as long as it rejects since the engine does not answer: it may have been done in part. Rejects with
   * `unavailable` when the time is over, and with other errors at once.
   */
  async ask<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { waitMs, logger } = this.#options
    for (;;) {
      const sinceMs = this.#clock.monotonicMs()
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof EngineError) || !PASSING.has(error.code) || waitMs === 0) throw error
        this.#leftMs -= this.#clock.monotonicMs() - sinceMs + PAUSE_MS
        if (this.#leftMs <= 0) throw outOfPatience(what, waitMs, error)
        const details = { what, reason: error.message, leftMs: Math.round(this.#leftMs) }
        logger?.warn(details, 'the engine does not answer, and is asked again')
        await new Promise<void>((resolve) => void this.#clock.after(PAUSE_MS, resolve))
      }
    }
  }
}

function outOfPatience(what: string, waitMs: number, cause: EngineError): EngineError {
  const message = `the engine did not answer within ${Math.round(waitMs / 1_000)} s when it was asked for ${what}: see that most of its servers run and reach each other, and start this node again (${cause.message})`
  return new EngineError('unavailable', message, { cause })
}
