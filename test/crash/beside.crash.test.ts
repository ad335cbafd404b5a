import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openLevelStore } from '@joinery/log'
import { expect, it } from 'vitest'
import { startChild } from '../support/child-process.ts'
import { runSize } from '../support/run-size.ts'
import { randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'

const PROGRAM = fileURLToPath(new URL('./beside-writer.ts', import.meta.url))
const ROUNDS = runSize('JOINERY_KILLS', { everyday: 6, nightly: 100 })
/** The kill comes up to this long after the first edit is durable. */
const KILL_AFTER_MS_MAX = 400

/** Fails unless each edit has its record beside it and each record its edit. Returns the numbers of both. */
async function expectPairs(
  directory: string,
  acknowledged: readonly number[],
): Promise<{ edits: number; notes: number }> {
  const store = await openLevelStore({ directory, durability: 'sync' })
  try {
    const [edits, journal] = [await store.open('w'), await store.open('!work/w')]
    const lsns: string[] = []
    for await (const { lsn } of edits.read()) lsns.push(String(lsn))
    const notes: string[] = []
    for await (const { update } of journal.read()) notes.push(Buffer.from(update).toString())
    expect(notes.filter((note) => note !== 'none')).toEqual(lsns)
    expect(edits.head).toBeGreaterThanOrEqual(Math.max(0, ...acknowledged))
    return { edits: lsns.length, notes: notes.length }
  } finally {
    await store.close()
  }
}

it.each(['async', 'sync'] as const)(
  `[S200, L67] an edit and the record beside it are both there or neither at %s, when the process is killed ${ROUNDS} times`,
  async (durability) => {
    const seed = runSeed()
    console.log(`kills beside edits at ${durability}: JOINERY_SEED=${seed}`)
    const random = seededRandom(seed)
    await using home = await tempDirectory()
    let found = { edits: 0, notes: 0 }
    for (let round = 0; round < ROUNDS; round++) {
      const child = startChild({ args: [PROGRAM, home.path, durability] })
      await until('an edit is durable', () => child.stdout().includes('\n'))
      await delay(randomBelow(random, KILL_AFTER_MS_MAX))
      expect(await child.end('SIGKILL'), child.output()).toMatchObject({ signal: 'SIGKILL' })
      // The kill may have cut the last line.
      const lines = child.stdout().split('\n').slice(0, -1)
      const before = found
      found = await expectPairs(home.path, lines.map(Number))
      expect(found.edits).toBeGreaterThan(before.edits)
    }
    console.log(`${durability}: ${ROUNDS} kills, ${found.edits} edits, ${found.notes} records beside them`)
  },
)
