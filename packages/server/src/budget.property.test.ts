import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Budget, type BudgetTerms } from './budget.ts'

const NAMES = ['ada', 'bob', 'cyd', 'dan']
const EPSILON = 1e-6
const termsOf = fc.record({
  share: fc.double({ min: 0.01, max: 1, noNaN: true }),
  burstMs: fc.integer({ min: 0, max: 5_000 }),
})
/** Times between two turns, the payer that wants each turn, and what the turn costs. */
const turnsOf = fc.array(
  fc.record({
    passedMs: fc.double({ min: 0, max: 500, noNaN: true }),
    payer: fc.constantFrom(...NAMES),
    costMs: fc.double({ min: 0.01, max: 300, noNaN: true }),
  }),
  { minLength: 1, maxLength: 200 },
)

/** Runs the turns of payers that owe nothing. Gives what each payer spent since `fromMs`, and its dearest turn. */
function run(terms: BudgetTerms, turns: { passedMs: number; payer: string; costMs: number }[]) {
  const budget = new Budget(terms, 0)
  const taken: { atMs: number; payer: string; costMs: number }[] = []
  let nowMs = 0
  for (const { passedMs, payer, costMs } of turns) {
    nowMs += passedMs
    if (budget.debtOf(payer, nowMs) > 0) continue
    budget.spend(payer, costMs, nowMs)
    taken.push({ atMs: nowMs, payer, costMs })
  }
  return { budget, taken, nowMs }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}

it('[S180] in any span of time all payers take at most the share, the burst, and the last turn of each', () => {
  fc.assert(
    fc.property(termsOf, turnsOf, fc.nat(), (terms, turns, pick) => {
      const { taken, nowMs } = run(terms, turns)
      const from = taken[pick % Math.max(1, taken.length)]?.atMs ?? 0
      const since = taken.filter(({ atMs }) => atMs >= from)
      // A turn's cost is known when it is over: each payer may overdraw by its last turn.
      const dearest = NAMES.map((name) => Math.max(0, ...since.filter((t) => t.payer === name).map((t) => t.costMs)))
      const most = terms.burstMs + terms.share * (nowMs - from) + sum(dearest)
      expect(sum(since.map(({ costMs }) => costMs))).toBeLessThanOrEqual(most + EPSILON)
    }),
  )
})

it('[S180] a debt is paid by an equal part of the refill, however much the others owe', () => {
  fc.assert(
    fc.property(
      termsOf,
      fc.array(fc.double({ min: 0.01, max: 10_000, noNaN: true }), { minLength: 4, maxLength: 4 }),
      (terms, costs) => {
        const budget = new Budget({ ...terms, burstMs: 0 }, 0)
        for (const [index, name] of NAMES.entries()) budget.spend(name, costs[index] as number, 0)
        const mine = costs[0] as number
        const longestMs = (mine * NAMES.length) / terms.share
        expect(budget.restOf('ada', 0)).toBeLessThanOrEqual(longestMs * (1 + EPSILON))
        // In many small steps, as the server settles it.
        for (let step = 1; step <= 20; step++) budget.debtOf('bob', (longestMs * step) / 20)
        expect(budget.debtOf('ada', longestMs * (1 + EPSILON))).toBeLessThan(EPSILON)
      },
    ),
  )
})

it('[S180] the rest that is named is as long as the debt takes to be paid, and no time makes or loses any', () => {
  fc.assert(
    fc.property(termsOf, turnsOf, (terms, turns) => {
      const { budget, nowMs } = run(terms, turns)
      for (const name of NAMES) {
        const restMs = budget.restOf(name, nowMs)
        if (restMs === 0) continue
        const { budget: copy } = run(terms, turns)
        expect(copy.debtOf(name, nowMs + restMs * 0.999)).toBeGreaterThan(0)
        expect(copy.debtOf(name, nowMs + restMs * 1.001 + EPSILON)).toBe(0)
      }
      const owedMs = sum(NAMES.map((name) => budget.debtOf(name, nowMs)))
      const fullAtMs = nowMs + (owedMs + terms.burstMs) / terms.share
      expect(budget.isFull(fullAtMs + 1)).toBe(true)
      expect(budget.debtOf('ada', fullAtMs)).toBe(0)
    }),
  )
})

it('[S180] time that nobody else wanted is free beyond what the budget holds, and a clock that stands still pays nothing', () => {
  const budget = new Budget({ share: 0.5, burstMs: 100 }, 0)
  budget.spend('ada', 1_000, 0, true)
  expect(budget.debtOf('ada', 0)).toBe(0)
  budget.spend('ada', 10, 0)
  expect(budget.debtOf('ada', 0)).toBe(10)
  expect(budget.debtOf('ada', -5)).toBe(10)
  expect(budget.debtOf('ada', 20)).toBe(0)
})
