/** Sums what each principal's work has cost in the current turn of the event loop. */
export class TurnCosts {
  readonly #turn: () => number
  readonly #costs = new Map<string, number>()
  #counted = -1

  /** @param turn the number of the current turn */
  constructor(turn = countTurns()) {
    this.#turn = turn
  }

  /** Adds a cost, ms. Returns what the principal has cost in this turn, ms. */
  add(principal: string, costMs: number): number {
    const turn = this.#turn()
    if (turn !== this.#counted) this.#costs.clear()
    this.#counted = turn
    const sumMs = costMs + (this.#costs.get(principal) ?? 0)
    this.#costs.set(principal, sumMs)
    return sumMs
  }
}

/** Counts the turns of the event loop in which it is asked. */
function countTurns(): () => number {
  let turn = 0
  let isAsked = false
  return () => {
    if (!isAsked) {
      isAsked = true
      setImmediate(() => {
        isAsked = false
        turn++
      })
    }
    return turn
  }
}
