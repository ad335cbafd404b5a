import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { openLevelStore } from '../level-store.ts'
import { testDirectories } from '../test-directory.ts'
import { type PhaseName, type Promised, prepare } from './course.ts'
import { expectKept, Ledger } from './ledger.ts'
import { killAt, needTracing, type StorageCall, traceStorageCalls } from './storage-calls.ts'

const makeDirectory = testDirectories()
const PROGRAM = fileURLToPath(new URL('./course-child.ts', import.meta.url))
const IS_NIGHTLY = process.env.JOINERY_NIGHTLY !== undefined
/** Kills per course; nightly there is one for every call. */
const KILLS_EVERYDAY = 3
/** Nightly, of writes one after the other to one table. */
const TABLE_WRITES_STEP = 8
const TIMEOUT_MS = IS_NIGHTLY ? 3_600_000 : 120_000

/** Directories that courses begin with, and what was promised in them. */
const grounds = {
  /** Not there yet. */
  nothing: { directory: '', promises: [] as Promised[] },
  /** As closed: the newest records stand in the write-ahead log. */
  closed: { directory: '', promises: [] as Promised[] },
  /** Opened and closed again: all records stand in tables. */
  tables: { directory: '', promises: [] as Promised[] },
}

beforeAll(async () => {
  const directory = join(await makeDirectory(), 'data')
  const { promises } = grounds.closed
  const store = await openLevelStore({ directory, durability: 'async' })
  await prepare(store, (promised) => promises.push(promised))
  await store.close()
  grounds.closed.directory = directory
  const again = join(await makeDirectory(), 'data')
  await cp(directory, again, { recursive: true })
  await (await openLevelStore({ directory: again, durability: 'async' })).close()
  grounds.tables = { directory: again, promises }
})

const parsePromises = (output: string): Promised[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Promised)

/** A write to a table in the midst of others to it is like them. */
function isInTheMidst(call: StorageCall, n: number, calls: readonly StorageCall[]): boolean {
  const isLike = (other: StorageCall | undefined) => other?.call === call.call && other.file === call.file
  return call.file.endsWith('.ldb') && isLike(calls[n - 1]) && isLike(calls[n + 1])
}

/** Everyday a few evenly spread, beginning anywhere, so that in time every call has its turn. */
function choose(calls: readonly StorageCall[]): readonly StorageCall[] {
  if (IS_NIGHTLY) return calls.filter((call, n) => n % TABLE_WRITES_STEP === 0 || !isInTheMidst(call, n, calls))
  const step = calls.length / KILLS_EVERYDAY
  const start = Math.random() * step
  const chosen = Array.from({ length: KILLS_EVERYDAY }, (_, n) => calls[Math.floor(start + n * step)])
  return chosen.filter((call) => call !== undefined)
}

interface Course {
  readonly phase: PhaseName
  readonly ground: keyof typeof grounds
  readonly durability: 'async' | 'sync'
}

const each: readonly Omit<Course, 'durability'>[] = [
  { phase: 'write', ground: 'nothing' },
  { phase: 'open', ground: 'closed' },
  { phase: 'write', ground: 'tables' },
  { phase: 'snapshot', ground: 'tables' },
  { phase: 'seal', ground: 'tables' },
  { phase: 'compact', ground: 'tables' },
  { phase: 'remove', ground: 'tables' },
]
/** Everyday they take turns at the durability. */
const courses = each.flatMap((course, n): Course[] =>
  (['async', 'sync'] as const)
    .filter((_, d) => IS_NIGHTLY || d === n % 2)
    .map((durability) => ({ ...course, durability })),
)

describe('a process that is killed at a storage call', () => {
  it.for(courses)(
    '[L14, L18, L34, L43, L47, L51] it has lost nothing promised at $durability, and can go on, when it was to $phase ($ground)',
    { timeout: TIMEOUT_MS },
    async ({ phase, ground, durability }, context) => {
      await needTracing(context)
      const { directory: from, promises } = grounds[ground]
      const makeHome = async (): Promise<string> => {
        const directory = join(await makeDirectory(), 'data')
        if (from !== '') await cp(from, directory, { recursive: true })
        return directory
      }
      const programIn = (directory: string) => [PROGRAM, directory, durability, phase]
      const whole = await makeHome()
      const { calls, output } = await traceStorageCalls(whole, programIn(whole), `${whole}.calls`)
      await expectKept(whole, new Ledger([...promises, ...parsePromises(output)]))
      const chosen = choose(calls)
      let kills = 0
      for (const call of chosen) {
        const directory = await makeHome()
        const ran = await killAt(call, directory, programIn(directory))
        const ledger = new Ledger([...promises, ...parsePromises(ran.output)])
        await expectKept(directory, ledger).catch((cause: unknown) => {
          throw new Error(`killed at ${JSON.stringify(call)}`, { cause })
        })
        await rm(directory, { recursive: true })
        kills += Number(ran.isKilled)
      }
      console.log(`${durability}, ${phase} (${ground}): ${calls.length} calls, ${chosen.length} tried, ${kills} killed`)
      expect(kills).toBeGreaterThan(0)
    },
  )
})
