import { expect, it } from 'vitest'
import { runHistory } from './testing/task-history.ts'

it('[J51] a few histories of workers, clocks, crashes and people leave the tasks as the model says', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const choices = Array.from({ length: 40 }, (_, n) => (seed * 7_919 + n * 104_729 * seed) % 2 ** 30)
    expect(await runHistory(choices, seed), `seed ${seed}`).toBeUndefined()
  }
})

it('[J51] an attempt that was told of a cancel ends after its grace, however often it beats', async () => {
  expect(await runHistory([0, 14, 1_005_258_663, 714_809_384, 375_241_831, 963_469_976], 0)).toBeUndefined()
})
