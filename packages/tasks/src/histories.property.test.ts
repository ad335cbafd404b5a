import fc from 'fast-check'
import { expect, it } from 'vitest'
import { runHistory } from './testing/task-history.ts'

const RUNS = process.env.JOINERY_NIGHTLY === undefined ? 400 : 100_000
/** Number of commands of one history. */
const COMMANDS_MAX = 40

it(`[J51] ${RUNS} histories of workers, clocks, crashes and people leave the tasks as the model says`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(2 ** 30), { maxLength: COMMANDS_MAX }), fc.nat(2 ** 30), async (choices, seed) => {
      expect(await runHistory(choices, seed)).toBeUndefined()
    }),
    { numRuns: RUNS },
  )
})
