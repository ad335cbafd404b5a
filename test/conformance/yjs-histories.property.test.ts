import fc from 'fast-check'
import { it } from 'vitest'
import { runSize } from '../support/run-size.ts'
import { runSeed } from '../support/seeded-random.ts'
import { history, playTogether } from './yjs-histories.ts'

const HISTORIES = runSize('JOINERY_YJS_HISTORIES', { everyday: 150, nightly: 3_000 })
const TOGETHER = 25

it('[T101] after any history of five clients, and a restart, all are equal in JSON, state vector and deletions', async () => {
  const seed = runSeed() | 0
  console.log(`histories: JOINERY_SEED=${seed >>> 0}`)
  const size = Math.min(TOGETHER, HISTORIES)
  const batch = fc.array(history, { minLength: size, maxLength: size })
  const numRuns = Math.ceil(HISTORIES / size)
  await fc.assert(fc.asyncProperty(batch, playTogether), { seed, numRuns, endOnFailure: true })
})
