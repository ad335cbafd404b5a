import type { Logger } from 'pino'
import { Budget, type BudgetTerms } from './budget.ts'
import type { Counters } from './counters.ts'
import type { ServerLimits } from './limits.ts'
import { TurnCosts } from './turn-costs.ts'

/** Time between two looks at those that rest, ms: shorter than anybody notices. */
const LOOK_MS = 20
/**
 * Work of a principal in one turn of the event loop beyond this, ms, is not paid from what may be spent at once. A request takes a dozen
 * turns: beside a burst of long ones, it would wait for all of them.
 */
const BURST_TURN_MS = 10

/** The payer of some work, and the workspace that the work is for. */
export interface Payer {
  /** The actor of a token; without tokens one connection, or the actor that a request names. */
  readonly principal: string
  /** Undefined for work that is for no workspace. */
  readonly workspace: string | undefined
}

/** The part of the ledger for programs in this process, which make their callers wait themselves. */
export type Costs = Pick<Ledger, 'book' | 'restOf'>

/** A connection that pays for what it sends, and can be told to rest. */
export interface RestingPayer extends Payer {
  readonly workspace: string
  readonly id: string
  readonly isOpen: boolean
  /** Stops reading what the connection sends, until {@link goOn}. */
  rest(): void
  goOn(): void
}

export interface LedgerContext {
  readonly limits: LedgerLimits
  readonly counters: Counters
  readonly logger: Logger
}

export type LedgerLimits = Pick<
  ServerLimits,
  'principalCostShare' | 'principalCostBurstMs' | 'workspaceCostShare' | 'workspaceCostBurstMs' | 'costContentionMs'
>

/**
 * Books what the work for each principal and each workspace costs, in ms of the event loop, and has connections rest
 * that are over budget. Time that nobody else wants is free.
 */
export class Ledger {
  readonly #context: LedgerContext
  readonly #now: () => number
  readonly #principals: Budgets
  readonly #workspaces: Budgets
  readonly #turns: TurnCosts
  readonly #resting = new Set<RestingPayer>()
  /** Connections that the log has named. */
  readonly #told = new WeakSet<RestingPayer>()
  #timer: NodeJS.Timeout | undefined

  /**
   * @param now a clock in ms that never goes back
   * @param turn the number of the current turn of the event loop
   */
  constructor(context: LedgerContext, now: () => number = () => performance.now(), turn?: () => number) {
    this.#turns = new TurnCosts(turn)
    const { limits } = context
    const { costContentionMs } = limits
    this.#context = context
    this.#now = now
    const principal = { share: limits.principalCostShare, burstMs: limits.principalCostBurstMs }
    const workspace = { share: limits.workspaceCostShare, burstMs: limits.workspaceCostBurstMs }
    this.#principals = new Budgets(principal, costContentionMs)
    this.#workspaces = new Budgets(workspace, costContentionMs)
  }

  /** Books work, of one turn or of many short ones, that began at `sinceMs` and ends now, both by `performance.now()`. Returns now. */
  book(payer: Payer, sinceMs: number, isOneTurn = true): number {
    const nowMs = this.#now()
    const costMs = nowMs - sinceMs
    this.#spend(payer, costMs, nowMs, !isOneTurn || this.#isShort(payer, costMs))
    return nowMs
  }

  /**
   * Books such work of a connection, or its part of the work for several. The connection rests from now on if it is over
   * budget. Returns now.
   */
  charge(payer: RestingPayer, sinceMs: number, payers = 1): number {
    const nowMs = this.#now()
    this.chargeCost(payer, (nowMs - sinceMs) / payers, nowMs)
    return nowMs
  }

  /** The same for a cost that was measured, ms, at the time `nowMs` by `performance.now()`: of one turn, or of many short ones. */
  chargeCost(payer: RestingPayer, costMs: number, nowMs: number, isOneTurn = true): void {
    if (this.#spend(payer, costMs, nowMs, !isOneTurn || this.#isShort(payer, costMs))) this.#haveRest(payer)
  }

  /**
   * Charges a connection for work of so many ms that comes in long turns. It is not paid from what may be spent at once: while others
   * have work, such turns come one after the other, and seldom.
   */
  chargeAtOnce(payer: RestingPayer, costMs: number): void {
    if (this.#spend(payer, costMs, this.#now(), false)) this.#haveRest(payer)
  }

  /** Has a connection rest that is over budget, by what other connections of its principal have done. */
  haveRestIfOwing(payer: RestingPayer): void {
    if (this.restOf(payer) > 0) this.#haveRest(payer)
  }

  /** Time until `payer` is within its budgets again, ms; 0 when it is. */
  restOf({ principal, workspace }: Payer): number {
    const nowMs = this.#now()
    return Math.max(
      this.#principals.restOf(principal, principal, nowMs),
      workspace === undefined ? 0 : this.#workspaces.restOf(workspace, principal, nowMs),
    )
  }

  /** Whether several principals had work a short time ago. */
  get isShared(): boolean {
    return this.#principals.isShared(this.#now())
  }

  /** Number of connections that rest now. */
  get restingCount(): number {
    return this.#resting.size
  }

  /** Number of budgets that are kept. */
  get budgetCount(): number {
    return this.#principals.size + this.#workspaces.size
  }

  /** Forgets full budgets. Called about once a second. */
  sweep(): void {
    const nowMs = this.#now()
    this.#principals.sweep(nowMs)
    this.#workspaces.sweep(nowMs)
  }

  /** Lets everybody go on, for a server that closes. */
  stop(): void {
    clearTimeout(this.#timer)
    for (const payer of this.#resting) payer.goOn()
    this.#resting.clear()
  }

  /** Whether the work of a principal in this turn is short, with a further cost. */
  #isShort({ principal }: Payer, costMs: number): boolean {
    return this.#turns.add(principal, costMs) <= BURST_TURN_MS
  }

  #spend({ principal, workspace }: Payer, costMs: number, nowMs: number, mayBurst = true): boolean {
    const owesOwn = this.#principals.spend(principal, principal, costMs, nowMs, mayBurst)
    const owesWorkspace = workspace !== undefined && this.#workspaces.spend(workspace, principal, costMs, nowMs)
    return owesOwn || owesWorkspace
  }

  #haveRest(payer: RestingPayer): void {
    if (!payer.isOpen || this.#resting.has(payer)) return
    const { counters, logger } = this.#context
    counters.rests++
    this.#resting.add(payer)
    payer.rest()
    this.#lookLater()
    if (this.#told.has(payer)) return
    this.#told.add(payer)
    const { workspace, id: connection, principal: actor } = payer
    const reason = 'what it sends costs more than its share, and others wait'
    logger.info({ workspace, connection, actor, reason }, 'connection rests')
  }

  #lookLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      for (const payer of this.#resting) {
        if (payer.isOpen && this.restOf(payer) > 0) continue
        this.#resting.delete(payer)
        payer.goOn()
      }
      if (this.#resting.size > 0) this.#lookLater()
    }, LOOK_MS).unref()
  }
}

/** The budgets of all principals, or of all workspaces. */
class Budgets {
  readonly #terms: BudgetTerms
  readonly #contentionMs: number
  readonly #budgets = new Map<string, Budget>()
  /** The owner of the budget that was used last, when that was, and when any other budget was. */
  #last: string | undefined
  #lastAtMs = Number.NEGATIVE_INFINITY
  #othersAtMs = Number.NEGATIVE_INFINITY

  constructor(terms: BudgetTerms, contentionMs: number) {
    this.#terms = terms
    this.#contentionMs = contentionMs
  }

  /** Has `payer` pay from the budget of `owner`. Returns whether it has to rest. */
  spend(owner: string, payer: string, costMs: number, nowMs: number, mayBurst = true): boolean {
    if (this.#last !== owner) {
      this.#othersAtMs = this.#lastAtMs
      this.#last = owner
    }
    this.#lastAtMs = nowMs
    let budget = this.#budgets.get(owner)
    if (budget === undefined) {
      budget = new Budget(this.#terms, nowMs)
      this.#budgets.set(owner, budget)
    }
    const isWanted = this.isWantedByOthers(owner, nowMs)
    budget.spend(payer, costMs, nowMs, !isWanted, mayBurst)
    return isWanted && budget.debtOf(payer, nowMs) > 0
  }

  restOf(owner: string, payer: string, nowMs: number): number {
    if (!this.isWantedByOthers(owner, nowMs)) return 0
    return this.#budgets.get(owner)?.restOf(payer, nowMs) ?? 0
  }

  get size(): number {
    return this.#budgets.size
  }

  sweep(nowMs: number): void {
    for (const [owner, budget] of this.#budgets) if (budget.isFull(nowMs)) this.#budgets.delete(owner)
  }

  /** Whether there was work for anybody else a short time ago. */
  isWantedByOthers(owner: string, nowMs: number): boolean {
    const othersAtMs = this.#last === owner ? this.#othersAtMs : this.#lastAtMs
    return nowMs - othersAtMs <= this.#contentionMs
  }

  /** Whether there was work for several a short time ago. */
  isShared(nowMs: number): boolean {
    return nowMs - this.#othersAtMs <= this.#contentionMs
  }
}
