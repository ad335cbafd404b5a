import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { runSize } from '../support/run-size.ts'
import { randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { readLog } from './read-log.ts'
import { Writers } from './writers.ts'

const ROUNDS = runSize('JOINERY_KILLS', { everyday: 10, nightly: 50 })
/** The kill comes this long after the server is up, at a moment chosen by the seed; some hit it while clients join. */
const KILL_AFTER_MS_MAX = 700
const DRAIN_MS_MAX = 10_000
/** Two starts and a stop: seconds, but on a machine that is busy with other tests. */
const STOP_TIMEOUT_MS = 240_000

describe.concurrent.each(['async', 'sync'] as const)('a server at durability %s under 20 writers', (durability) => {
  it(
    `[T20] nothing acknowledged is lost when the process is killed ${ROUNDS} times at random moments`,
    async () => {
      const seed = runSeed()
      console.log(`kill rounds at ${durability}: JOINERY_SEED=${seed}`)
      const random = seededRandom(seed)
      await using home = await tempDirectory()
      const port = await freePort()
      const options = { directory: home.path, durability, port }
      const writers = new Writers(`ws://127.0.0.1:${port}`, random)
      writers.startTyping()
      for (let round = 0; round < ROUNDS; round++) {
        await using joinery = await startJoinery(options)
        await delay(randomBelow(random, KILL_AFTER_MS_MAX))
        await joinery.child.end('SIGKILL')
        // Read before the writers can bring anything again.
        writers.expectAcknowledged(await readLog(home.path))
      }
      expect(writers.all.some(({ ledger }) => ledger.acknowledged > 0)).toBe(true)
      await using joinery = await startJoinery(options)
      writers.stopTyping()
      await writers.settle(joinery.url)
      await writers.stop()
      await joinery.child.end('SIGTERM')
      writers.expectAcknowledged(await readLog(home.path))
    },
    120_000 + ROUNDS * 10_000,
  )

  it(
    '[T21] the process exits 0 within 10 s and nothing typed is lost when it is told to stop',
    async () => {
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
        const kill = setTimeout(() => void joinery.child.end('SIGKILL'), DRAIN_MS_MAX)
        expect(await joinery.child.end('SIGTERM'), joinery.child.output()).toEqual({ code: 0, signal: null })
        clearTimeout(kill)
        writers.expectAcknowledged(await readLog(home.path))
      }
      await using joinery = await startJoinery(options)
      writers.stopTyping()
      await writers.settle(joinery.url)
      await writers.stop()
    },
    STOP_TIMEOUT_MS,
  )
})
