import type { SteadyClock } from '@joinery/log'
import type { LeaseAsk, SagaShape } from '@joinery/protocol'
import type { BookShelf } from './book-shelf.ts'
import { isSameJson } from './json-value.ts'
import type { LiveWorkers } from './live-workers.ts'
import { checkSaga } from './saga-check.ts'
import { TaskError } from './task-error.ts'
import type { TaskLimits } from './task-limits.ts'
import type { StartRequest } from './tasks.ts'
import type { TasksOptions } from './tasks-options.ts'

interface SagasParts extends Pick<TasksOptions, 'meetsWorkersMs'> {
  readonly shelf: BookShelf
  readonly workers: LiveWorkers
  readonly limits: TaskLimits
  readonly clock: SteadyClock
}

/** The sagas that workers have announced. They outlive the workers and the server. */
export class Sagas {
  readonly #shelf: BookShelf
  readonly #workers: LiveWorkers
  readonly #limits: TaskLimits
  readonly #clock: SteadyClock
  /** Until then workers that run already may not have called yet, ms of the monotonic clock. */
  readonly #newUntilMs: number
  readonly #waiters = new Set<() => void>()

  constructor(parts: SagasParts) {
    this.#shelf = parts.shelf
    this.#workers = parts.workers
    this.#limits = parts.limits
    this.#clock = parts.clock
    this.#newUntilMs = parts.clock.monotonicMs() + (parts.meetsWorkersMs ?? 0)
  }

  /**
   * Takes what a worker serves. Resolves when what is new of it is durable.
   *
   * @returns the same sagas, as the server keeps them
   * @throws TaskError `invalid`, `too_large`, for all sagas or none
   */
  async announce({ worker, serves }: LeaseAsk): Promise<void> {
    const news = serves.filter((saga) => this.#isNew(worker, saga))
    for (const saga of news) this.#check(worker, saga)
    if (news.length === 0) return
    await Promise.all(news.map((saga) => this.#shelf.append({ type: 'announced', saga })))
    for (const look of [...this.#waiters]) look()
  }

  /** Resolves once the saga is known, or once all workers that run have had the time to call. Rejects with the signal's reason. */
  async untilMet(wanted: Pick<StartRequest, 'saga' | 'version'>, signal: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = this.#newUntilMs - this.#clock.monotonicMs()
      if (leftMs <= 0 || this.#known(wanted.saga, wanted.version) !== undefined) return
      signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        const look = (): void => {
          cancel()
          this.#waiters.delete(look)
          signal.removeEventListener('abort', look)
          resolve()
        }
        const cancel = this.#clock.after(leftMs, look)
        this.#waiters.add(look)
        signal.addEventListener('abort', look)
      })
    }
  }

  /** The saga that a task is started with. Throws `unknown_saga`. */
  find(name: string, version?: number): SagaShape {
    const saga = this.#known(name, version)
    if (saga !== undefined) return saga
    const { fold } = this.#shelf.intake
    const versions = fold.versionsOf(name)
    const message =
      versions.length > 0
        ? `no worker has ever served version ${version} of saga ${name}: known are ${versions.join(', ')}`
        : `no worker has ever served a saga ${JSON.stringify(name.slice(0, 100))}: start a worker that does`
    throw new TaskError('unknown_saga', message, { sagas: fold.names, ...(versions.length > 0 && { versions }) })
  }

  #known(name: string, version: number | undefined): SagaShape | undefined {
    const { fold } = this.#shelf.intake
    const wanted = version ?? fold.latestOf(name)
    return wanted === undefined ? undefined : fold.sagaOf(name, wanted)
  }

  #isNew(worker: string, saga: SagaShape): boolean {
    const { fold } = this.#shelf.intake
    const known = fold.sagaOf(saga.name, saga.version)
    if (known === undefined) return true
    if (known !== saga && !isSameJson(JSON.parse(JSON.stringify(saga)), JSON.parse(JSON.stringify(known)))) return true
    // A version that is served alone again is the one for new tasks.
    const latest = fold.latestOf(saga.name)
    if (latest === saga.version) return false
    return !this.#workers.serving(saga.name).some((other) => other.saga.version === latest && other.worker !== worker)
  }

  #check(worker: string, saga: SagaShape): void {
    checkSaga(saga, this.#limits)
    const { fold } = this.#shelf.intake
    if (fold.sagaOf(saga.name, saga.version) === undefined && fold.size >= this.#limits.sagasMax) {
      throw new TaskError(
        'too_large',
        `${fold.size} versions of sagas are known, and at most ${this.#limits.sagasMax} may be`,
      )
    }
    const other = this.#workers
      .serving(saga.name)
      .find((one) => one.worker !== worker && one.saga.version === saga.version && one.saga.digest !== saga.digest)
    if (other === undefined) return
    const message = `worker ${other.worker} serves version ${saga.version} of ${saga.name} with other steps: give the changed saga a new version`
    throw new TaskError('invalid', message, { saga: saga.name, version: saga.version, digest: other.saga.digest })
  }
}
