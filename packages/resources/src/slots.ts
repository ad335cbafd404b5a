/** Bounds of calls at once. */
export interface SlotBounds {
  readonly all: number
  /** To one place. */
  readonly each: number
}

/** Gives calls their turns, so that no place has all of them, and one that fails has one. */
export class Slots {
  readonly #bounds: SlotBounds
  readonly #isFailing: (name: string) => boolean
  readonly #taken = new Map<string, number>()
  #waiting: { readonly name: string; readonly go: () => void }[] = []
  #all = 0

  constructor(bounds: SlotBounds, isFailing: (name: string) => boolean = () => false) {
    this.#bounds = bounds
    this.#isFailing = isFailing
  }

  /** Runs `work` once the place has a turn. Rejects with the reason of `signal` if that aborts before. */
  async take<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    if (this.#has(name)) this.#give(name)
    else await this.#wait(name, signal)
    try {
      return await work()
    } finally {
      this.#all--
      this.#taken.set(name, this.#takenBy(name) - 1)
      this.#next()
    }
  }

  #wait(name: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter = { name, go: resolve }
    const leave = (): void => {
      this.#waiting = this.#waiting.filter((other) => other !== waiter)
      reject(signal.reason)
    }
    signal.addEventListener('abort', leave)
    this.#waiting.push(waiter)
    return promise.finally(() => signal.removeEventListener('abort', leave))
  }

  /** Gives the places that are free to the first who may have them. */
  #next(): void {
    for (;;) {
      const next = this.#waiting.find(({ name }) => this.#has(name))
      if (next === undefined) return
      this.#waiting = this.#waiting.filter((other) => other !== next)
      this.#give(next.name)
      next.go()
    }
  }

  #give(name: string): void {
    this.#all++
    this.#taken.set(name, this.#takenBy(name) + 1)
  }

  #has(name: string): boolean {
    return this.#all < this.#bounds.all && this.#takenBy(name) < (this.#isFailing(name) ? 1 : this.#bounds.each)
  }

  #takenBy(name: string): number {
    return this.#taken.get(name) ?? 0
  }
}
