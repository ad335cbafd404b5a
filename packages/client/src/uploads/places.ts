import { orAborted } from '../abort.ts'

/** Lets a bounded number of holders in at once, and the others in the order in which they came. */
export class Places {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves with the function that leaves again. Rejects with the signal's reason, and takes no place then. */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else {
      const turn = Promise.withResolvers<void>()
      this.#waiting.push(turn.resolve)
      await orAborted(turn.promise, signal).catch((error: unknown) => {
        const at = this.#waiting.indexOf(turn.resolve)
        // The turn may have come in the moment of the abort: then it is passed on.
        if (at < 0) this.#leave()
        else this.#waiting.splice(at, 1)
        throw error
      })
    }
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      this.#leave()
    }
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
