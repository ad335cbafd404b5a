import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inMemory, testDirectories } from '../testing/test-directory.ts'
import type { Promised } from './course.ts'
import { courseProgram, courses, useGrounds } from './grounds.ts'
import { expectKept, Ledger } from './ledger.ts'
import { killAt, needTracing, type StorageCall, traceStorageCalls } from './storage-calls.ts'

const makeDirectory = testDirectories(inMemory())
const makeRoom = testDirectories()
const grounds = useGrounds(makeDirectory)
const IS_NIGHTLY = process.env.JOINERY_NIGHTLY !== undefined
/** Kills per course. Nightly there is one for every call, unless a number is given. */
const KILLS = Number(process.env.JOINERY_KILLS ?? (IS_NIGHTLY ? Number.POSITIVE_INFINITY : 2))
/** Nightly, of consecutive writes to one table. */
const TABLE_WRITES_STEP = 8
/** A killed store goes on with all kinds of work at every so many calls only: that takes longer than all the rest. */
const GO_ON_STEP = IS_NIGHTLY ? 4 : 3

const parsePromises = (output: string): Promised[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Promised)

/** A write to a table between other writes to it is like them. */
function isInTheMidst(call: StorageCall, n: number, calls: readonly StorageCall[]): boolean {
  const isLike = (other: StorageCall | undefined) => other?.call === call.call && other.file === call.file
  return call.file.endsWith('.ldb') && isLike(calls[n - 1]) && isLike(calls[n + 1])
}

/** A few evenly spread calls from a random beginning, so that in time every call has its turn. */
function choose(calls: readonly StorageCall[]): readonly StorageCall[] {
  if (KILLS === Number.POSITIVE_INFINITY)
    return calls.filter((call, n) => n % TABLE_WRITES_STEP === 0 || !isInTheMidst(call, n, calls))
  const step = calls.length / KILLS
  const start = Math.random() * step
  const chosen = Array.from({ length: KILLS }, (_, n) => calls[Math.floor(start + n * step)])
  return chosen.filter((call) => call !== undefined)
}

describe('a process that is killed at a storage call', () => {
  it.for(courses(IS_NIGHTLY))(
    '[L14, L18, L34, L43, L47, L51, L67, L170, L171] it has lost nothing promised at $durability, and can go on, when it was to $phase ($ground)',
    async ({ phase, ground, durability }, context) => {
      await needTracing(context)
      const { promises, lay } = grounds()[ground]
      const makeHome = async () => lay(join(await makeDirectory(), 'data'))
      const programIn = (directory: string) => courseProgram(directory, { phase, durability })
      const whole = await makeHome()
      const { calls, output } = await traceStorageCalls(whole, programIn(whole), join(await makeRoom(), 'calls'))
      await expectKept(whole, new Ledger([...promises, ...parsePromises(output)]), { goesOn: true })
      await rm(whole, { recursive: true })
      const chosen = choose(calls)
      let kills = 0
      for (const [n, call] of chosen.entries()) {
        const directory = await makeHome()
        const ran = await killAt(call, directory, programIn(directory))
        const ledger = new Ledger([...promises, ...parsePromises(ran.output)])
        await expectKept(directory, ledger, { goesOn: n % GO_ON_STEP === 0 }).catch((cause: unknown) => {
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
