import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { startChild } from '../support/child-process.ts'
import { runSize } from '../support/run-size.ts'
import { randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { expectPairs } from './task-pairs.ts'

const PROGRAM = fileURLToPath(new URL('./tasks-writer.ts', import.meta.url))
const ROUNDS = runSize('JOINERY_KILLS', { everyday: 4, nightly: 100 })
/** The kill comes up to this long after the first start was answered. */
const KILL_AFTER_MS_MAX = 500

it.each(['async', 'sync'] as const)(
  `[J53] a step and its edit are both there or neither at %s, and no answered start is lost, when the process is killed ${ROUNDS} times`,
  async (durability) => {
    const seed = runSeed()
    console.log(`kills of tasks at ${durability}: JOINERY_SEED=${seed}`)
    const random = seededRandom(seed)
    await using home = await tempDirectory()
    const answered: string[] = []
    let pairs = 0
    for (let round = 0; round < ROUNDS; round++) {
      const child = startChild({ args: [PROGRAM, home.path, durability] })
      await until('a start is answered', () => child.stdout().includes('\n'))
      await delay(randomBelow(random, KILL_AFTER_MS_MAX))
      expect(await child.end('SIGKILL'), child.output()).toMatchObject({ signal: 'SIGKILL' })
      // The kill may have cut the last line.
      answered.push(
        ...child
          .stdout()
          .split('\n')
          .slice(0, -1)
          .map((line) => line.replace('started ', '')),
      )
      const found = await expectPairs(home.path)
      expect(found.keys).toEqual(expect.arrayContaining(answered))
      expect(new Set(found.keys).size).toBe(found.keys.length)
      pairs = found.effects.length
    }
    expect(pairs).toBeGreaterThan(0)
    console.log(`${durability}: ${ROUNDS} kills, ${answered.length} answered starts, ${pairs} edits with their steps`)
  },
)
