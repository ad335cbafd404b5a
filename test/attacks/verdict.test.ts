import { expect, it } from 'vitest'
import type { Latency } from './bystander-load.ts'
import type { Figures } from './measure.ts'
import { isSlow, judgeSoak, type Round } from './soak-rounds.ts'
import { faultsOf } from './verdict.ts'

const latency = (p99: number): Latency => ({ p50: 1, p99, max: p99, count: 100 })
const both = (p99: number) => ({ typing: latency(p99), http: latency(p99) })
const figures = (change: Partial<Figures>): Figures => ({
  before: both(5),
  during: both(100),
  after: both(5),
  memory: { before: 100, peak: 200, after: 100 },
  told: {},
  lost: [],
  died: undefined,
  ...change,
})

it('[T105] an attack is harmful when people wait longer than 250 ms and ten times as long as before, lose something, or the server ends', () => {
  expect(faultsOf(figures({}))).toEqual([])
  expect(faultsOf(figures({ during: both(250) }))).toEqual([])
  expect(faultsOf(figures({ during: both(251) }))).toHaveLength(2)
  expect(faultsOf(figures({ before: both(40), during: both(400) }))).toEqual([])
  expect(faultsOf(figures({ before: both(40), during: both(401) }))).toHaveLength(2)
  expect(faultsOf(figures({ during: both(Number.NaN) }))).toHaveLength(2)
  expect(faultsOf(figures({ lost: ['a letter'] }))).toEqual(['a letter'])
  expect(faultsOf(figures({ died: 'SIGABRT' }))).toEqual(['the server ended: SIGABRT'])
})

it('[T106] a soak fails when something is lost, memory grows after the second round, or one attack is slow in each round', () => {
  const round = (number: number, atRest: number, slow: string[] = []): Round => ({
    number,
    slow,
    latency: both(1),
    memory: { peak: 900, atRest },
  })
  const judge = (rounds: Round[]) => judgeSoak({ rounds, lost: [], died: undefined })
  expect(judge([round(1, 200), round(2, 400), round(3, 430)])).toEqual([])
  expect(judge([round(1, 200), round(2, 200), round(3, 290)])).toHaveLength(1)
  expect(judge([round(1, 200, ['a']), round(2, 200, ['b'])])).toEqual([])
  expect(judge([round(1, 200, ['a', 'b']), round(2, 200, ['b'])])).toHaveLength(1)
  expect(judgeSoak({ rounds: [round(1, 200)], lost: ['x'], died: 'y' })).toEqual(['x', 'the server ended: y'])
})

it('[T106] people wait too long beside an attack by what they wait just before and after it, so that a busy machine is no fault', () => {
  expect(isSlow(both(250), [both(5), both(5)])).toBe(false)
  expect(isSlow(both(251), [both(5), both(5)])).toBe(true)
  expect(isSlow(both(900), [both(5), both(90)])).toBe(false)
  expect(isSlow(both(901), [both(90), both(5)])).toBe(true)
  expect(isSlow({ typing: latency(5), http: latency(251) }, [both(5)])).toBe(true)
})
