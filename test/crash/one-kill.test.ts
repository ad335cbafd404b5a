import { it } from 'vitest'
import { runSeed, seededRandom } from '../support/seeded-random.ts'
import { killUnderWriters } from './kill-rounds.ts'

it('[T20] nothing acknowledged is lost when the process is killed once under 20 writers', async () => {
  const seed = runSeed()
  console.log(`one kill: JOINERY_SEED=${seed}`)
  await killUnderWriters({ durability: 'async', rounds: 1, random: seededRandom(seed) })
})
