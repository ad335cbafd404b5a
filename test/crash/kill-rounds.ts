import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { type Random, randomBelow } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { readLog } from './read-log.ts'
import { Writers } from './writers.ts'

/** The kill comes up to this long after the server is up, or after the first acknowledgement. */
const KILL_AFTER_MS_MAX = 700

export interface KillRounds {
  readonly durability: 'async' | 'sync'
  readonly rounds: number
  readonly random: Random
}

/**
 * Kills a server under twenty writers, `rounds` times at moments that `random` chooses: every other time while clients may
 * still be joining. Fails if anything acknowledged is lost, or if the writers and a newcomer don't all hold the same in the
 * end.
 */
export async function killUnderWriters({ durability, rounds, random }: KillRounds): Promise<void> {
  await using home = await tempDirectory()
  const port = await freePort()
  const options = { directory: home.path, durability, port }
  const writers = new Writers(`ws://127.0.0.1:${port}`, random)
  const acknowledged = () => writers.all.reduce((sum, { ledger }) => sum + ledger.acknowledged, 0)
  writers.startTyping()
  for (let round = 0; round < rounds; round++) {
    await using joinery = await startJoinery(options)
    const before = acknowledged()
    if (round % 2 === 0) await until('somebody is acknowledged something', () => acknowledged() > before)
    await delay(randomBelow(random, KILL_AFTER_MS_MAX))
    await joinery.child.end('SIGKILL')
    // The log is read before the writers can send anything again.
    writers.expectAcknowledged(await readLog(home.path))
  }
  await using joinery = await startJoinery(options)
  writers.stopTyping()
  await writers.settle(joinery.url)
  await writers.stop()
  await joinery.child.end('SIGTERM')
  writers.expectAcknowledged(await readLog(home.path))
}
