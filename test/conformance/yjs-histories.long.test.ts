import fc from 'fast-check'
import { it } from 'vitest'
import { runSeed } from '../support/seeded-random.ts'
import { history, playTogether } from './yjs-histories.ts'

it('[T101] after four histories of five clients, and a restart, all are equal in JSON, state vector and deletions', async () => {
  const seed = runSeed() | 0
  console.log(`histories: JOINERY_SEED=${seed >>> 0}`)
  await playTogether(fc.sample(history, { seed, numRuns: 4 }))
})
