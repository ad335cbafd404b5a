import { LogError } from './log-error.ts'

/** Runs work that changes logs in one turn of the event loop, and takes its changes back if it throws. */
export class AtomicWork {
  #takeBacks: (() => void)[] | undefined

  /** Whether work is running that may have to be taken back. */
  get isRunning(): boolean {
    return this.#takeBacks !== undefined
  }

  /** Notes how a change is taken back. Without running work there is nothing to note. */
  note(takeBack: () => void): void {
    this.#takeBacks?.push(takeBack)
  }

  /** Runs `work`. If it throws, its changes are taken back, the last first. Work in it may fail on its own. */
  run<T>(work: () => T): T {
    const outer = this.#takeBacks
    const own: (() => void)[] = []
    this.#takeBacks = own
    try {
      const result = work()
      if (isPromise(result)) {
        throw new LogError('invalid', 'work that is written as one must not await anything: it returned a promise')
      }
      outer?.push(...own)
      return result
    } catch (error) {
      for (const takeBack of own.reverse()) takeBack()
      throw error
    } finally {
      this.#takeBacks = outer
    }
  }
}

function isPromise(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function'
}
