import type { IncomingMessage } from 'node:http'

/**
 * Begins requests and upgrades for so many ms in one turn of the event loop, so that sockets are read between them. Their owners
 * take turns: one of an owner stands behind one of each other owner, and not behind the thousand that another owner sent before.
 */
export class FairTurns {
  readonly #turnMs: number
  readonly #ownerOf: (request: IncomingMessage) => string
  /** The first owner is the next. */
  readonly #waiting = new Map<string, (() => void)[]>()
  /** When the first of this turn began, ms; undefined when none has. */
  #turnSinceMs: number | undefined
  #isBeginning = false

  constructor(turnMs: number, ownerOf: (request: IncomingMessage) => string) {
    this.#turnMs = turnMs
    this.#ownerOf = ownerOf
  }

  /** Calls `begin` when the owner of the request has a turn, which may be at once. */
  take(request: IncomingMessage, begin: () => void): void {
    const owner = this.#ownerOf(request)
    const own = this.#waiting.get(owner)
    if (own === undefined) this.#waiting.set(owner, [begin])
    else own.push(begin)
    if (!this.#isBeginning) this.#beginNext()
  }

  /** Begins the next one if there is time in this turn. */
  #beginNext(): void {
    this.#isBeginning = false
    if (this.#turnSinceMs === undefined) {
      this.#turnSinceMs = performance.now()
      setImmediate(() => this.#nextTurn())
    }
    if (this.#waiting.size === 0 || performance.now() - this.#turnSinceMs > this.#turnMs) return
    // A tick that a microtask asks for comes after everything that was begun and that waits for nothing.
    this.#isBeginning = true
    queueMicrotask(() => process.nextTick(() => this.#beginNext()))
    this.#next()?.()
  }

  /** Takes the first of the next owner, who then is the last. */
  #next(): (() => void) | undefined {
    for (const [owner, own] of this.#waiting) {
      const begin = own.shift()
      this.#waiting.delete(owner)
      if (own.length > 0) this.#waiting.set(owner, own)
      return begin
    }
    return undefined
  }

  #nextTurn(): void {
    this.#turnSinceMs = undefined
    if (this.#waiting.size > 0 && !this.#isBeginning) this.#beginNext()
  }
}
