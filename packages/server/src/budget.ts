/** A share of time and the time that may be spent at once. */
export interface BudgetTerms {
  /** Part of all time that is paid in, above 0 and at most 1. */
  readonly share: number
  /** Time that may be spent at once, ms: what an unused budget holds. */
  readonly burstMs: number
}

/**
 * A budget of time that several payers share. It refills with the time that passes. A cost that it does not hold becomes
 * a debt of the payer that spent it. Debts are paid before the budget refills: each payer gets the same part of the
 * refill until its own debt is paid, so that a small debt is paid soon, however large the others are.
 */
export class Budget {
  readonly #terms: BudgetTerms
  #balanceMs: number
  #atMs: number
  #debts: Map<string, number> | undefined

  constructor(terms: BudgetTerms, nowMs: number) {
    this.#terms = terms
    this.#balanceMs = terms.burstMs
    this.#atMs = nowMs
  }

  /**
   * Pays for `costMs` that `payer` has used. With `isFree`, the part that the budget does not hold is forgiven: nobody
   * else wanted that time. Without `mayBurst`, all of it is a debt, whatever the budget holds.
   */
  spend(payer: string, costMs: number, nowMs: number, isFree = false, mayBurst = true): void {
    this.#settle(nowMs)
    const paidMs = mayBurst || isFree ? Math.min(this.#balanceMs, costMs) : 0
    this.#balanceMs -= paidMs
    if (paidMs >= costMs || isFree) return
    this.#debts ??= new Map()
    this.#debts.set(payer, costMs - paidMs + (this.#debts.get(payer) ?? 0))
  }

  /** Time that `payer` has used and not paid, ms. */
  debtOf(payer: string, nowMs: number): number {
    this.#settle(nowMs)
    return this.#debts?.get(payer) ?? 0
  }

  /** Time until the debt of `payer` is paid if nobody spends meanwhile, ms. */
  restOf(payer: string, nowMs: number): number {
    const debtMs = this.debtOf(payer, nowMs)
    let dueMs = 0
    for (const otherMs of this.#debts?.values() ?? []) dueMs += Math.min(otherMs, debtMs)
    return dueMs / this.#terms.share
  }

  /** True when the budget holds all that it can: it then tells nothing that a new one does not. */
  isFull(nowMs: number): boolean {
    this.#settle(nowMs)
    return this.#balanceMs >= this.#terms.burstMs
  }

  /** Pays in the time that has passed: debts first, in equal parts. */
  #settle(nowMs: number): void {
    if (nowMs <= this.#atMs) return
    let leftMs = (nowMs - this.#atMs) * this.#terms.share
    this.#atMs = nowMs
    if (this.#debts !== undefined) leftMs = this.#payDebts(this.#debts, leftMs)
    this.#balanceMs = Math.min(this.#terms.burstMs, this.#balanceMs + leftMs)
  }

  /** Returns what is left when all debts are paid. */
  #payDebts(debts: Map<string, number>, amountMs: number): number {
    let leftMs = amountMs
    let waiting = debts.size
    for (const [payer, debtMs] of [...debts].sort(([, a], [, b]) => a - b)) {
      const paidMs = Math.min(debtMs, leftMs / waiting)
      leftMs -= paidMs
      waiting--
      if (paidMs >= debtMs) debts.delete(payer)
      else debts.set(payer, debtMs - paidMs)
    }
    if (debts.size > 0) return 0
    this.#debts = undefined
    return leftMs
  }
}
