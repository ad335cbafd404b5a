import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import type { LeaseAsk, LeasedWork } from '@joinery/protocol'
import type { Offers } from './dispatcher.ts'
import { ALL_SAGAS, HeardOffers, type WorkNews } from './heard-offers.ts'
import { TaskError } from './task-error.ts'

/** Time that the server's own workers have for an attempt before other servers hear of it, ms: one that has just ended a step asks again. */
const OWN_FIRST_MS = 20
/** Pause between two words about attempts that have just become free, ms. */
const PAUSE_MS = 100
/** Attempts that nobody takes are told again so often, ms: a word may get lost. */
const REPEAT_MS = 1_000
/** Time after its start for which a server has all workers ask it, ms: others hear of it a moment later. */
const NEW_MS = 10_000
/** Time that a worker waits for the answer of another server, ms. */
const PATIENCE_MS = 1_000
/** Longest wait of one call, ms: the own server bounds it, too. */
const WAIT_MS_MAX = 60_000

/** Another server that gives out steps, as one call of a worker reaches it. */
export interface WorkPlace {
  /** This run of it. */
  readonly id: string
  /** The steps that it has for the call now. Rejects with a `TaskError` if it refuses the worker, with others if it does not answer. */
  take(ask: LeaseAsk): Promise<readonly LeasedWork[]>
  /** Gives a step back that nobody has begun. */
  release(token: string): Promise<void>
}

/** The servers that one call of a worker reaches. */
export interface Reach {
  /** Asks this server, as `Tasks.lease` does. */
  own(ask: LeaseAsk, signal: AbortSignal): Promise<LeasedWork[]>
  /** The other servers, as far as they live. */
  others(): readonly WorkPlace[]
}

export interface SharedWorkOptions {
  readonly offers: Offers
  /** Tells all other servers. It may get lost. */
  tell(news: WorkNews): void
  /** Told of an error of another server: it counts as one without steps. */
  onFailure(place: string, error: unknown): void
  readonly clock?: SteadyClock
}

/**
 * Gives a worker the steps of several servers, whichever it asks. No server is asked without a reason: each tells the others once attempts
 * wait that its own workers have not taken, and a call that waits asks it then. So nothing is said between servers that have nothing to do.
 */
export class SharedWork {
  readonly #options: SharedWorkOptions
  readonly #clock: SteadyClock
  readonly #heard: HeardOffers
  readonly #newUntilMs: number
  #turn = 0
  #toldMs = Number.NEGATIVE_INFINITY
  #isRepeated = false
  #cancel: (() => void) | undefined
  #isClosed = false

  constructor(options: SharedWorkOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemSteadyClock
    this.#heard = new HeardOffers(this.#clock, 3 * REPEAT_MS)
    this.#newUntilMs = this.#clock.monotonicMs() + NEW_MS
    options.offers.onOffer = () => this.#tellSoon(false)
    this.#tellSoon(false)
  }

  /** Another server has said this. */
  hear(place: string, news: WorkNews): void {
    this.#heard.hear(place, news)
  }

  /** Gives attempts to a worker, of this server and of others, and waits up to `waitMs` for the first. */
  async lease(ask: LeaseAsk, { own, others }: Reach, signal: AbortSignal): Promise<LeasedWork[]> {
    if (ask.stops) {
      const [given] = await Promise.all([own(ask, signal), ...others().map((place) => this.#take(place, ask, signal))])
      return given
    }
    const endsAtMs = this.#clock.monotonicMs() + Math.min(Math.max(0, ask.waitMs), WAIT_MS_MAX)
    for (;;) {
      const worker = this.#heard.listen(ask)
      try {
        const places: (WorkPlace | undefined)[] = [undefined, ...others().filter(({ id }) => worker.mayAsk(id))]
        const first = this.#turn++ % places.length
        for (let n = 0; n < places.length && !signal.aborted; n++) {
          const place = places[(first + n) % places.length]
          if (place !== undefined) worker.asks(place.id)
          const given = await (place === undefined
            ? own({ ...ask, waitMs: 0 }, signal)
            : this.#take(place, ask, signal))
          if (given.length === 0) continue
          if (place !== undefined) worker.gotSome(place.id, given)
          return given
        }
        const leftMs = endsAtMs - this.#clock.monotonicMs()
        if (leftMs <= 0 || signal.aborted) return []
        const given = await own({ ...ask, waitMs: leftMs }, AbortSignal.any([signal, worker.heard]))
        if (given.length > 0 || !worker.heard.aborted) return given
      } finally {
        worker.end()
      }
    }
  }

  /** Tells nobody any more. */
  close(): void {
    this.#isClosed = true
    this.#options.offers.onOffer = () => undefined
    this.#cancel?.()
  }

  /** The steps that a server has for a worker now; none of one that does not answer. Those that come too late are given back. */
  async #take(place: WorkPlace, ask: LeaseAsk, signal: AbortSignal): Promise<LeasedWork[]> {
    const patience = Promise.withResolvers<'late'>()
    const onAbort = (): void => patience.resolve('late')
    signal.addEventListener('abort', onAbort)
    const cancel = this.#clock.after(PATIENCE_MS, onAbort)
    if (signal.aborted) onAbort()
    const taking = place.take({ ...ask, waitMs: 0 })
    try {
      const given = await Promise.race([taking, patience.promise])
      if (given !== 'late') return [...given]
      void this.#giveBack(place, taking)
      return []
    } catch (error) {
      if (error instanceof TaskError) throw error
      this.#options.onFailure(place.id, error)
      return []
    } finally {
      cancel()
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #giveBack(place: WorkPlace, taking: Promise<readonly LeasedWork[]>): Promise<void> {
    try {
      const late = await taking
      await Promise.all(late.map(({ token }) => place.release(token)))
    } catch (error) {
      // Leases that can't be given back end by their time.
      this.#options.onFailure(place.id, error)
    }
  }

  #tellSoon(isRepeat: boolean): void {
    if (this.#isClosed || (this.#cancel !== undefined && (isRepeat || !this.#isRepeated))) return
    // News do not wait for the next repeat.
    this.#cancel?.()
    this.#isRepeated = isRepeat
    const sinceMs = this.#clock.monotonicMs() - this.#toldMs
    const delayMs = isRepeat ? REPEAT_MS : Math.max(OWN_FIRST_MS, PAUSE_MS - sinceMs)
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined
      this.#tell(isRepeat)
    })
  }

  /** Tells what waits, and once more later as long as something does. */
  #tell(isRepeat: boolean): void {
    const { offers, tell } = this.#options
    const nowMs = this.#clock.monotonicMs()
    const offered = offers.takeOffered()
    const isNew = nowMs < this.#newUntilMs
    const sagas = [...(isNew ? [ALL_SAGAS] : []), ...offered.keys()]
    if (sagas.length === 0) return
    const fresh = [...offered].filter(([, isFresh]) => isFresh).map(([saga]) => saga)
    if (isRepeat || isNew || fresh.length > 0) {
      this.#toldMs = nowMs
      tell({ sagas, fresh })
    }
    this.#tellSoon(true)
  }
}
