import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { runSize } from '../support/run-size.ts'
import { runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { killUnderWriters } from './kill-rounds.ts'
import { readLog } from './read-log.ts'
import { stopInTime } from './stop-in-time.ts'
import { Writers } from './writers.ts'

const ROUNDS = runSize('JOINERY_KILLS', { everyday: 6, nightly: 50 })

describe.concurrent.each(['async', 'sync'] as const)('a server at durability %s under 20 writers', (durability) => {
  it(`[T20] nothing acknowledged is lost when the process is killed ${ROUNDS} times at random moments`, async () => {
    const seed = runSeed()
    console.log(`kill rounds at ${durability}: JOINERY_SEED=${seed}`)
    await killUnderWriters({ durability, rounds: ROUNDS, random: seededRandom(seed) })
  })

  it('[T21] the process exits 0 within 10 s and nothing typed is lost when it is told to stop', async () => {
    await using home = await tempDirectory()
    const port = await freePort()
    const options = { directory: home.path, durability, port }
    const writers = new Writers(`ws://127.0.0.1:${port}`, seededRandom(1))
    {
      await using joinery = await startJoinery(options)
      writers.startTyping()
      await until('everybody was acknowledged something', () =>
        writers.all.every(({ ledger }) => ledger.acknowledged > 0),
      )
      expect(await stopInTime(joinery), joinery.child.output()).toEqual({ code: 0, signal: null })
      writers.expectAcknowledged(await readLog(home.path))
    }
    await using joinery = await startJoinery(options)
    writers.stopTyping()
    await writers.settle(joinery.url)
    await writers.stop()
  })
})
