import { expect, it } from 'vitest'
import { seededRandom } from '../support/seeded-random.ts'
import { comparePaired, type Rounds, verdictOf } from './paired.ts'

/** Rounds that cost `share` more with the checks, on a machine whose other load doubles a round now and then. */
function noisy(share: number, seed: number): Rounds & { readonly done: string[] } {
  const random = seededRandom(seed)
  const done: string[] = []
  return {
    done,
    run: (one) => {
      done.push(one)
      const noise = 1 + random() * 0.3 + (random() < 0.1 ? 1 : 0)
      return Promise.resolve((one === 'with' ? 1 + share : 1) * 10 * noise)
    },
  }
}

it.each([
  { share: 0, max: 0.1, state: 'holds' },
  { share: 0.02, max: 0.1, state: 'holds' },
  { share: 0.25, max: 0.1, state: 'missed' },
])('[T108] a cost of $share is told from a bound of $max beside other load: $state', async ({ share, max, state }) => {
  for (let seed = 1; seed <= 50; seed++) {
    let nowMs = 0
    const verdict = await comparePaired(noisy(share, seed), { max, seconds: 100, nowMs: () => nowMs++ * 50 })
    expect(verdict.state, `seed ${seed}`).toBe(state)
    expect(verdict.low).toBeLessThanOrEqual(verdict.share)
    expect(verdict.high).toBeGreaterThanOrEqual(verdict.share)
  }
})

it('[T108] a cost at the bound is not told apart, when the time is over', async () => {
  let nowMs = 0
  const rounds = noisy(0.1, 7)
  const verdict = await comparePaired(rounds, { max: 0.1, seconds: 1, nowMs: () => nowMs++ * 50 })
  expect(verdict.state).toBe('unknown')
  expect(rounds.done.slice(0, 4)).toEqual(['without', 'with', 'with', 'without'])
})

it('[T108] few pairs tell nothing, and many tell the median', () => {
  const pair = { without: 10, with: 10.5 }
  expect(verdictOf([pair, pair], 0.1).state).toBe('unknown')
  const verdict = verdictOf(Array(20).fill(pair), 0.1)
  expect(verdict).toMatchObject({ state: 'holds', rounds: 20, without: 10, with: 10.5 })
  expect(verdict.share).toBeCloseTo(0.05)
})
