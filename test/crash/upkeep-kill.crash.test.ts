import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type Child, startReadyChild } from '../support/child-process.ts'
import { joinery } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { runSize } from '../support/run-size.ts'
import { randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { readLog } from './read-log.ts'
import { Writers } from './writers.ts'

/** Kills at both durabilities together. */
const KILLS = runSize('JOINERY_KILLS', { everyday: 4, nightly: 1_000 })
const ROUNDS = Math.ceil(KILLS / 2)
const SERVER = fileURLToPath(new URL('busy-upkeep.ts', import.meta.url))
/** The kill comes after at most so many snapshots, and then up to {@link KILL_AFTER_MS_MAX} later: about when the next is taken. */
const SNAPSHOTS_MAX = 30
const KILL_AFTER_MS_MAX = 60
const RESTLESS = 6

const startServer = (port: number, directory: string, durability: string): Promise<Child> =>
  startReadyChild({ args: [SERVER, String(port), directory, durability] }, /listening/)

interface Done {
  readonly snapshots: number
  readonly sealed: number
  readonly dropped: number
}

/** How much upkeep the server has done so far. */
function upkeepOf(server: Child): Done {
  const last = [...server.stdout().matchAll(/^upkeep (\d+) (\d+) (\d+)$/gm)].at(-1)
  const [snapshots = 0, sealed = 0, dropped = 0] = last?.slice(1).map(Number) ?? []
  return { snapshots, sealed, dropped }
}

const sum = (a: Done, b: Done): Done => ({
  snapshots: a.snapshots + b.snapshots,
  sealed: a.sealed + b.sealed,
  dropped: a.dropped + b.dropped,
})

/** Fails unless `joinery verify` finds the directory of a stopped server intact. */
async function expectIntact(directory: string): Promise<void> {
  const { exit, output, stdout } = await joinery('verify', '--data', directory, '--json')
  expect(exit, output).toEqual({ code: 0, signal: null })
  expect(JSON.parse(stdout)).toMatchObject({ intact: true, directory })
}

describe.concurrent.each(['async', 'sync'] as const)(
  'a server at durability %s that is busy with its histories',
  (durability) => {
    it(`[T23] nothing acknowledged is lost and everything verifies when the process is killed ${ROUNDS} times at random moments`, async () => {
      const seed = runSeed()
      console.log(`kills during upkeep at ${durability}: JOINERY_SEED=${seed}`)
      const random = seededRandom(seed)
      await using home = await tempDirectory()
      const port = await freePort()
      const writers = new Writers(`ws://127.0.0.1:${port}`, random, { restless: RESTLESS })
      let total: Done = { snapshots: 0, sealed: 0, dropped: 0 }
      writers.startTyping()
      for (let round = 0; round < ROUNDS; round++) {
        const server = await startServer(port, home.path, durability)
        const snapshots = randomBelow(random, SNAPSHOTS_MAX)
        await until(`${snapshots} snapshots`, () => upkeepOf(server).snapshots >= snapshots)
        if (round === 0)
          await until('records were sealed and dropped', () => Object.values(upkeepOf(server)).every(Boolean))
        await delay(randomBelow(random, KILL_AFTER_MS_MAX))
        await server.end('SIGKILL')
        total = sum(total, upkeepOf(server))
        await expectIntact(home.path)
        // The log is read before the writers can send anything again.
        writers.expectAcknowledged(await readLog(home.path))
      }
      console.log(`killed ${ROUNDS} times at ${durability} amid ${JSON.stringify(total)}`)
      expect(writers.all.some(({ ledger }) => ledger.acknowledged > 0)).toBe(true)
      const server = await startServer(port, home.path, durability)
      writers.stopTyping()
      await writers.settle(`ws://127.0.0.1:${port}`)
      await writers.stop()
      expect(await server.end('SIGTERM'), server.output()).toEqual({ code: 0, signal: null })
      await expectIntact(home.path)
      writers.expectAcknowledged(await readLog(home.path))
    })
  },
)
