import type { SteadyClock } from '@joinery/log'
import type { LeaseAsk, SagaShape } from '@joinery/protocol'
import { TaskError } from './task-error.ts'

interface LiveWorker {
  readonly name: string
  readonly serves: readonly SagaShape[]
  /** Ms of the monotonic clock. */
  seenAtMs: number
  /** Calls that wait for work. */
  waiting: number
}

/** Time after its last call for which a worker counts as connected, ms: some beats. */
const LIVE_MS = 30_000

/** Sagas that one worker may announce. */
const SERVES_MAX = 200
/** Characters of the name of a worker. */
const WORKER_NAME_MAX = 200

/** Throws `invalid` for a name that no worker has, and `too_large` for too many sagas. */
export function assertLeaseAsk({ worker, serves }: LeaseAsk): void {
  if (worker === '' || worker.length > WORKER_NAME_MAX) {
    throw new TaskError('invalid', `the name of a worker has 1 to ${WORKER_NAME_MAX} characters`)
  }
  if (serves.length > SERVES_MAX) throw new TaskError('too_large', `a worker serves at most ${SERVES_MAX} sagas`)
}

/** The workers that are connected, as far as their calls tell. Memory only: they all call again after a restart. */
export class LiveWorkers {
  readonly #clock: SteadyClock
  readonly #workers = new Map<string, LiveWorker>()

  constructor(clock: SteadyClock) {
    this.#clock = clock
  }

  /** Notes a call that waits for work. Call what it returns when the call has ended. */
  arrive({ worker: name, serves }: LeaseAsk): () => void {
    const before = this.#workers.get(name)
    const worker: LiveWorker = {
      name,
      serves,
      seenAtMs: this.#clock.monotonicMs(),
      waiting: (before?.waiting ?? 0) + 1,
    }
    this.#workers.set(name, worker)
    return () => {
      const now = this.#workers.get(name)
      if (now === undefined) return
      now.waiting = Math.max(0, now.waiting - 1)
      now.seenAtMs = this.#clock.monotonicMs()
    }
  }

  /** Notes that a worker stops. */
  remove(name: string): void {
    this.#workers.delete(name)
  }

  /** Notes a sign of life. */
  see(name: string): void {
    const worker = this.#workers.get(name)
    if (worker !== undefined) worker.seenAtMs = this.#clock.monotonicMs()
  }

  /** The connected workers of a saga, with the versions that they serve. */
  serving(name: string): { readonly worker: string; readonly saga: SagaShape }[] {
    return this.#live().flatMap((worker) =>
      worker.serves.filter((saga) => saga.name === name).map((saga) => ({ worker: worker.name, saga })),
    )
  }

  get names(): string[] {
    return this.#live().map(({ name }) => name)
  }

  #live(): LiveWorker[] {
    const nowMs = this.#clock.monotonicMs()
    for (const [name, { waiting, seenAtMs }] of this.#workers) {
      if (waiting === 0 && nowMs - seenAtMs > LIVE_MS) this.#workers.delete(name)
    }
    return [...this.#workers.values()]
  }
}
