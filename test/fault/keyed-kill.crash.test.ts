import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { readLog } from '../crash/read-log.ts'
import { Writers } from '../crash/writers.ts'
import { freePort } from '../support/free-port.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { runSize } from '../support/run-size.ts'
import { randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { makeToken, SECRET } from '../support/tokens.ts'

const ROUNDS = runSize('JOINERY_KEYED_KILLS', { everyday: 3, nightly: 100 })
const KILL_AFTER_MS_MAX = 1_500

describe('a server with keys under 20 people', () => {
  it(`[T79] nobody is refused, and nothing typed is lost, when it is killed ${ROUNDS} times, whoever comes back first`, async () => {
    const seed = runSeed()
    console.log(`kill rounds with keys: JOINERY_SEED=${seed}`)
    const random = seededRandom(seed)
    await using home = await tempDirectory()
    const port = await freePort()
    // With `sync`, which takes longest, others see the most edits that are not yet durable.
    const options = { directory: home.path, durability: 'sync' as const, port, env: { JOINERY_JWT_SECRET: SECRET } }
    const writers = new Writers(`ws://127.0.0.1:${port}`, random, { makeToken: (sub) => makeToken({ sub }) })
    writers.startTyping()
    for (let round = 0; round < ROUNDS; round++) {
      await using joinery = await startJoinery(options)
      await delay(randomBelow(random, KILL_AFTER_MS_MAX))
      await joinery.child.end('SIGKILL')
      writers.expectAcknowledged(await readLog(home.path))
    }
    expect(writers.all.some(({ ledger }) => ledger.acknowledged > 0)).toBe(true)
    await using joinery = await startJoinery(options)
    writers.stopTyping()
    await writers.settle(joinery.url)
    // Rejects if the server refused anybody meanwhile.
    await writers.stop()
  })
})
