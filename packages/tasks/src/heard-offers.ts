import type { SteadyClock } from '@joinery/log'
import type { LeaseAsk, LeasedWork } from '@joinery/protocol'

/** Each other server hears of a worker so often, ms: it then knows which sagas have one, and a word that was lost costs no more. */
const MEET_MS = 10_000
/** Pause after a question in vain, ms: it doubles with each up to the longest, where a worker may not have what waits. */
const VAIN_MS = 50
const VAIN_MS_MAX = 2_000
/** Workers that are remembered. */
const WORKERS_MAX = 10_000

/** A word of a server to all others: the sagas whose attempts wait there, and those of which some have just become free. */
export interface WorkNews {
  readonly sagas: readonly string[]
  readonly fresh: readonly string[]
}

/** Stands for all sagas. */
export const ALL_SAGAS = '*'

/** The last word of a server about a saga. `no` grows with what is new. */
interface Heard {
  no: number
  atMs: number
}

/** The last question of a worker to a server. */
interface Asked {
  /** The newest word before it; -1 if the question was answered with steps. */
  readonly no: number
  readonly atMs: number
  /** Questions in vain one after the other. */
  readonly vain: number
}

/** One call of a worker that may ask other servers. */
export interface ListeningCall {
  /** Aborts once another server has something that this call should ask for. */
  readonly heard: AbortSignal
  /** Whether to ask that server now. */
  mayAsk(place: string): boolean
  asks(place: string): void
  gotSome(place: string, given: readonly LeasedWork[]): void
  end(): void
}

/** The words of other servers about their steps, and which worker has asked for them. */
export class HeardOffers {
  readonly #clock: SteadyClock
  /** Words are forgotten after so many ms: a server repeats those that stand. */
  readonly #standsMs: number
  readonly #heard = new Map<string, Map<string, Heard>>()
  readonly #asked = new Map<string, Map<string, Asked>>()
  readonly #calls = new Set<(place: string) => void>()
  #no = 0

  constructor(clock: SteadyClock, standsMs: number) {
    this.#clock = clock
    this.#standsMs = standsMs
  }

  hear(place: string, { sagas, fresh }: WorkNews): void {
    const isFresh = new Set(fresh)
    for (const saga of sagas) this.#note(place, saga, isFresh.has(saga))
    for (const tell of [...this.#calls]) tell(place)
  }

  /** Listens for one call. End it when the call has its answer, or begins anew. */
  listen({ instance, worker, serves }: LeaseAsk): ListeningCall {
    const asked = this.#askedBy(instance ?? worker)
    const heard = new AbortController()
    const sagas = [ALL_SAGAS, ...serves.map(({ name }) => name)]
    let cancel = (): void => undefined
    const restMs = (place: string): number => this.#restMs(asked.get(place), this.#newest(place, sagas))
    const tell = (place: string): void => {
      if (this.#newest(place, sagas) === 0) return
      const waitMs = restMs(place)
      cancel()
      if (waitMs <= 0) heard.abort()
      else if (waitMs <= VAIN_MS_MAX) cancel = this.#clock.after(waitMs, () => heard.abort())
    }
    this.#calls.add(tell)
    return {
      heard: heard.signal,
      mayAsk: (place) => restMs(place) <= 0,
      asks: (place) => {
        const before = asked.get(place)
        const hasNews = this.#newest(place, sagas) > (before?.no ?? 0)
        const vain = hasNews ? (before?.vain ?? 0) + 1 : 0
        asked.set(place, { no: this.#no, atMs: this.#clock.monotonicMs(), vain })
      },
      gotSome: (place, given) => {
        asked.set(place, { no: -1, atMs: this.#clock.monotonicMs(), vain: 0 })
        // There may be more of them.
        for (const { saga } of given) this.#note(place, saga, false)
      },
      end: () => {
        cancel()
        this.#calls.delete(tell)
      },
    }
  }

  /** Time until a worker should ask a server whose newest word has this number, ms. */
  #restMs(asked: Asked | undefined, newest: number): number {
    if (asked === undefined) return 0
    const sinceMs = this.#clock.monotonicMs() - asked.atMs
    const meetMs = MEET_MS - sinceMs
    if (newest <= asked.no) return meetMs
    const pauseMs = asked.vain === 0 ? 0 : Math.min(VAIN_MS * 2 ** (asked.vain - 1), VAIN_MS_MAX)
    return Math.min(meetMs, pauseMs - sinceMs)
  }

  /** Number of the newest word of a server about one of the sagas; 0 if none stands. */
  #newest(place: string, sagas: readonly string[]): number {
    const said = this.#heard.get(place)
    const sinceMs = this.#clock.monotonicMs() - this.#standsMs
    let newest = 0
    for (const saga of sagas) {
      const word = said?.get(saga)
      if (word !== undefined && word.atMs >= sinceMs) newest = Math.max(newest, word.no)
    }
    return newest
  }

  #note(place: string, saga: string, isFresh: boolean): void {
    const said = this.#heard.get(place) ?? new Map<string, Heard>()
    this.#heard.set(place, said)
    const atMs = this.#clock.monotonicMs()
    const before = said.get(saga)
    const stands = before !== undefined && before.atMs >= atMs - this.#standsMs
    said.set(saga, { no: stands && !isFresh ? before.no : ++this.#no, atMs })
  }

  #askedBy(worker: string): Map<string, Asked> {
    const asked = this.#asked.get(worker) ?? new Map<string, Asked>()
    // The one that has called last is the last.
    this.#asked.delete(worker)
    this.#asked.set(worker, asked)
    const [oldest] = this.#asked.keys()
    if (this.#asked.size > WORKERS_MAX && oldest !== undefined) this.#asked.delete(oldest)
    return asked
  }
}
