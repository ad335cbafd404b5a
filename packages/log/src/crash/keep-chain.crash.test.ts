import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { LogRecord } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { isIntact, verifyDirectory } from '../operations/verify-directory.ts'
import { openLevelStore } from '../store/level-store.ts'
import { readAll } from '../testing/read-all.ts'
import { referenceChain } from '../testing/reference-chain.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { inMemory, testDirectories } from '../testing/test-directory.ts'
import { killAt, needTracing, traceStorageCalls } from './storage-calls.ts'

const makeDirectory = testDirectories(inMemory())
const makeRoom = testDirectories()
const PROGRAM = fileURLToPath(new URL('./chain-child.ts', import.meta.url))
/** Kills. Nightly there is one for every call. */
const KILLS = process.env.JOINERY_NIGHTLY === undefined ? 4 : Number.POSITIVE_INFINITY
const RECORDS = 2_100

it('[L132] a log whose process is killed while it keeps chain values has the values of its records, kept or computed', async (context) => {
  await needTracing(context)
  const ground = join(await makeDirectory(), 'data')
  const made = await openLevelStore({ directory: ground, durability: 'async' })
  const first = await made.open('w')
  for (let n = 1; n <= RECORDS; n++) first.append(sampleEntry(n))
  const { generation = '' } = first
  await made.close()
  const lay = async (): Promise<string> => {
    const directory = join(await makeDirectory(), 'data')
    await cp(ground, directory, { recursive: true })
    return directory
  }
  const traced = await lay()
  const { calls } = await traceStorageCalls(traced, [PROGRAM, traced], join(await makeRoom(), 'calls'))
  const step = Math.max(1, calls.length / KILLS)
  let killed = 0
  for (let at = Math.random() * step; at < calls.length; at += step) {
    const call = calls[Math.floor(at)]
    if (call === undefined) continue
    const directory = await lay()
    killed += Number((await killAt(call, directory, [PROGRAM, directory])).isKilled)
    const where = `killed at ${JSON.stringify(call)}`
    const store = await openLevelStore({ directory, durability: 'sync' })
    const log = await store.open('w')
    const records = await readAll(log)
    const expected = (lsn: number) => referenceChain(records.slice(0, lsn) as LogRecord[], [{ after: 0, generation }])
    for (const lsn of [700, 1_000, 1_500, 2_000, 2_050, RECORDS, log.head]) {
      expect(await log.chainAt(lsn as Lsn), `${where}: the value of record ${lsn}`).toBe(expected(lsn))
    }
    await store.close()
    expect(isIntact(await verifyDirectory(directory)), where).toBe(true)
    await rm(directory, { recursive: true })
  }
  console.info(`chain values: ${calls.length} calls, ${killed} kills`)
  expect(killed).toBeGreaterThan(0)
})
