import { type Deferred, deferred } from './deferred.ts'

/** The promise behind `workspace.whenSynced`. It is replaced when the workspace has to sync again. */
export class FirstSync {
  #current: { readonly state: 'waiting' | 'settled'; readonly wait: Deferred<void> } = waiting()

  get promise(): Promise<void> {
    return this.#current.wait.promise
  }

  resolve(): void {
    this.#settled().resolve()
  }

  reject(reason: unknown): void {
    this.#settled().reject(reason)
  }

  /** Puts a new promise in place of a settled one. One that callers still wait for stays. */
  renew(): void {
    if (this.#current.state === 'settled') this.#current = waiting()
  }

  #settled(): Deferred<void> {
    const { wait } = this.#current
    this.#current = { state: 'settled', wait }
    return wait
  }
}

function waiting(): { readonly state: 'waiting'; readonly wait: Deferred<void> } {
  const wait = deferred<void>()
  // A caller need not wait for it: the save status tells of the refusal, too.
  wait.promise.catch(() => undefined)
  return { state: 'waiting', wait }
}
