import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { EventStore, WorkspaceLog } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { readRemains } from '../operations/remains.ts'
import { repairWorkspace } from '../operations/repair-workspace.ts'
import { isIntact, verifyDirectory } from '../operations/verify-directory.ts'
import { recordKey } from '../records/key.ts'
import { openLevelStore } from '../store/level-store.ts'
import { readAll } from '../testing/read-all.ts'
import { makeRichStore } from '../testing/rich-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { tamper } from '../testing/tamper.ts'
import { inMemory, testDirectories } from '../testing/test-directory.ts'
import { killAt, needTracing, type StorageCall, traceStorageCalls } from './storage-calls.ts'

const makeDirectory = testDirectories(inMemory())
const makeRoom = testDirectories()
const PROGRAM = fileURLToPath(new URL('./repair-child.ts', import.meta.url))
const IS_NIGHTLY = process.env.JOINERY_NIGHTLY !== undefined
/** Kills. Nightly there is one for every call. */
const KILLS_EVERYDAY = 5
const [HEAD, DAMAGED] = [50, 47]
const NOTE = sampleEntry(0, { actor: 'joinery repair' })

/** A rich store with `a` damaged behind its newest snapshot. */
async function makeGround(): Promise<string> {
  const directory = join(await makeDirectory(), 'data')
  const store = await makeRichStore(directory)
  const log = await store.open('a')
  for (let n = 41; n <= HEAD; n++) await log.append(sampleEntry(n)).durable
  await store.close()
  await tamper(directory, (level) => level.put(recordKey(0, DAMAGED as Lsn), Buffer.alloc(30)))
  // The last write of the tampering may look unfinished.
  await (await openLevelStore({ directory, durability: 'sync' })).close()
  return directory
}

/** Every day a few evenly spread calls from a random beginning, so that in time every call has its turn. */
function choose(calls: readonly StorageCall[]): StorageCall[] {
  if (IS_NIGHTLY) return [...calls]
  const step = calls.length / KILLS_EVERYDAY
  const start = Math.random() * step
  const chosen = Array.from({ length: KILLS_EVERYDAY }, (_, n) => calls[Math.floor(start + n * step)])
  return chosen.filter((call) => call !== undefined)
}

async function lsnsOf(log: WorkspaceLog): Promise<number[]> {
  const lsns = (await readAll(log)).map(({ lsn }) => lsn)
  await log.close()
  return lsns
}

const through = (last: number) => Array.from({ length: last }, (_, n) => n + 1)

/** Fails unless `a` is as it was, or repaired. Returns which of the two. */
async function expectEither(store: EventStore, directory: string): Promise<boolean> {
  const log = await store.open('a').catch((error: unknown) => error)
  if (log instanceof Error) throw log
  const isRepaired = (log as WorkspaceLog).head !== HEAD
  await (log as WorkspaceLog).close()
  if (!isRepaired) {
    const left = await store.openDamaged('a')
    expect([left.damage.lsn, await lsnsOf(left)]).toEqual([DAMAGED, through(DAMAGED - 1)])
    return false
  }
  expect(await lsnsOf(await store.open('a'))).toEqual(through(DAMAGED))
  const [file = '', ...others] = (await readdir(join(directory, 'repaired'))).filter((name) =>
    name.endsWith('.remains'),
  )
  expect(others).toEqual([])
  const kept = new Set<string>()
  for await (const [key] of readRemains(join(directory, 'repaired', file))) kept.add(Buffer.from(key).toString('hex'))
  for (let lsn = 1; lsn <= HEAD; lsn++) expect(kept).toContain(Buffer.from(recordKey(0, lsn as Lsn)).toString('hex'))
  return true
}

describe('a repair that is killed at a storage call', () => {
  it('[L95] leaves the workspace as it was, or repaired, and all others whole; and can be done again', async (context) => {
    await needTracing(context)
    const ground = await makeGround()
    const lay = async () => {
      const directory = join(await makeDirectory(), 'data')
      await cp(ground, directory, { recursive: true })
      return directory
    }
    const traced = await lay()
    const program = (directory: string) => [PROGRAM, directory, 'a']
    const { calls } = await traceStorageCalls(traced, program(traced), join(await makeRoom(), 'calls'))
    const outcomes = { killed: 0, repaired: 0 }
    for (const call of choose(calls)) {
      const directory = await lay()
      const { isKilled } = await killAt(call, directory, program(directory))
      const store = await openLevelStore({ directory, durability: 'sync' })
      const isRepaired = await expectEither(store, directory).catch((cause: unknown) => {
        throw new Error(`killed at ${JSON.stringify(call)}`, { cause })
      })
      if (!isRepaired) await repairWorkspace(store, 'a', { directory, note: NOTE })
      expect(await lsnsOf(await store.open('a'))).toEqual(through(DAMAGED))
      expect(await lsnsOf(await store.open('b'))).toEqual(through(25))
      await expect(repairWorkspace(store, 'a', { directory, note: NOTE })).rejects.toBeInstanceOf(LogError)
      await store.close()
      expect(isIntact(await verifyDirectory(directory)), `killed at ${JSON.stringify(call)}`).toBe(true)
      await rm(directory, { recursive: true })
      outcomes.killed += Number(isKilled)
      outcomes.repaired += Number(isRepaired)
    }
    console.log(`repair: ${calls.length} calls, ${JSON.stringify(outcomes)}`)
    expect(outcomes.killed).toBeGreaterThan(0)
  })
})
