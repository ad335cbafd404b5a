import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { TurnCosts } from './turn-costs.ts'

it('[S355] the costs of a principal are summed in each turn of the event loop, and each turn begins at nothing', async () => {
  const costs = new TurnCosts()
  expect([costs.add('a', 4), costs.add('b', 1), costs.add('a', 3)]).toEqual([4, 1, 7])
  await Promise.resolve()
  expect(costs.add('a', 2)).toBe(9)
  await nextTurn()
  expect([costs.add('a', 2), costs.add('a', 2)]).toEqual([2, 4])
})
