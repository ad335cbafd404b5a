import { expect } from 'vitest'
import type { AdoptingLog, AdoptingStore, EventStore, WorkspaceLog } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import type { Problem } from '../operations/problem.ts'
import { repairWorkspace } from '../operations/repair-workspace.ts'
import { type DirectoryReport, isIntact, verifyDirectory } from '../operations/verify-directory.ts'
import { parseLsn } from '../parse-lsn.ts'
import { openLevelStore } from '../store/level-store.ts'
import { listWorkspaces } from '../testing/list-workspaces.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { append, compact, EVENTS_KEPT, keyOf, type Promised, snapshot, stateOf, updateOf } from './course.ts'
import { expectWholeTurns } from './whole-turns.ts'

/** The promises that a store was heard to make. */
export class Ledger {
  readonly heads = new Map<string, Lsn>()
  /** Snapshots of each workspace, in order. */
  readonly snapshots = new Map<string, Lsn[]>()
  readonly firstLsns = new Map<string, Lsn>()
  readonly deleted = new Set<string>()
  readonly purged = new Set<string>()

  constructor(promises: Iterable<Promised> = []) {
    for (const promised of promises) this.add(promised)
  }

  readonly add = (promised: Promised): void => {
    if ('appended' in promised) this.heads.set(promised.appended, promised.lsn)
    else if ('dropped' in promised) this.firstLsns.set(promised.dropped, promised.firstLsn)
    else if ('deleted' in promised) this.deleted.add(promised.deleted)
    else if ('purged' in promised) this.purged.add(promised.purged)
    else this.snapshots.set(promised.snapshot, [...(this.snapshots.get(promised.snapshot) ?? []), promised.lsn])
  }
}

export interface Expectations {
  /** Whether a problem of the first verification leaves the promises untouched. */
  readonly allows?: (problem: Problem) => boolean
  /** Whether to try all kinds of work of a store as well, and to verify the result. */
  readonly goesOn: boolean
}

/**
 * Fails unless the directory verifies and holds everything that was promised, whole and without gaps. A store must then
 * go on in it as before: it appends, snapshots, seals, drops history, purges, and verifies again.
 */
export async function expectKept(directory: string, ledger: Ledger, { allows, goesOn }: Expectations): Promise<void> {
  const found = await verifyUnlessNew(directory, ledger)
  expect(found?.problems.filter((problem) => !allows?.(problem)) ?? []).toEqual([])
  expect(found?.store?.problems ?? []).toEqual([])
  expect(found?.store?.workspaces.flatMap((workspace) => workspace.problems) ?? []).toEqual([])
  const store = await openLevelStore({ directory, durability: 'sync' })
  try {
    await expectPromises(store, ledger)
    for (const team of ['two', 'five'] as const) await expectWholeTurns(store, team)
    if (goesOn) await goOn(store, ledger)
    if (goesOn) await expectPromises(store, ledger)
  } finally {
    await store.close()
  }
  if (goesOn) expect(isIntact(await verifyDirectory(directory)), 'once it was opened again').toBe(true)
}

/**
 * Fails unless the directory opens and holds every record that was promised. In a damaged workspace these stand before
 * the damage, also after a repair. Returns how many workspaces are damaged.
 */
export async function expectServed(directory: string, ledger: Ledger): Promise<number> {
  await verifyUnlessNew(directory, ledger)
  const store = await openLevelStore({ directory, durability: 'async' })
  let damaged = 0
  try {
    const gone = await tombstonesOf(store)
    for (const [workspace, promised] of ledger.heads) {
      if (ledger.deleted.has(workspace) || gone.includes(workspace)) continue
      const log = await store.open(workspace).catch(ifDamaged)
      const isWhole = log !== undefined && (await expectRecords(log, ledger).then(() => true, ifDamaged))
      await log?.close()
      if (isWhole) continue
      damaged++
      const left = await store.openDamaged(workspace)
      expect(left.damage.lsn, `damage of ${workspace}`).toBeGreaterThan(promised)
      let last = 0
      for await (const { lsn, update } of left.read({ through: promised })) {
        expect(Buffer.compare(update, updateOf(workspace, lsn)), `${workspace} ${lsn}`).toBe(0)
        last = lsn
      }
      expect(last, `what is served of ${workspace}`).toBe(promised)
      await left.close()
      await expectRepaired(store, { directory, workspace, promised })
    }
  } finally {
    await store.close()
  }
  if (damaged > 0) expect(isIntact(await verifyDirectory(directory)), 'once it was repaired').toBe(true)
  return damaged
}

/** Repairs a workspace. All that was promised must be there, and nothing that was not written. */
async function expectRepaired(
  store: EventStore,
  { directory, workspace, promised }: { directory: string; workspace: string; promised: Lsn },
): Promise<void> {
  const { head } = await repairWorkspace(store, workspace, { directory, note: sampleEntry(0) })
  expect(head, `${workspace} once it was repaired`).toBeGreaterThan(promised)
  const log = await store.open(workspace)
  for await (const { lsn, update } of log.read({ through: parseLsn(head - 1) })) {
    expect(Buffer.compare(update, updateOf(workspace, lsn)), `${workspace} ${lsn}`).toBe(0)
  }
  await append(log, 1, () => undefined)
  await log.close()
}

function ifDamaged(error: unknown): undefined {
  if (!(error instanceof LogError) || error.code !== 'corrupted') throw error
}

/** Opens the store; undefined if it was not made yet and has promised nothing. */
async function verifyUnlessNew(directory: string, ledger: Ledger): Promise<DirectoryReport | undefined> {
  try {
    const found = await verifyDirectory(directory)
    expect(found.store, JSON.stringify(found.problems)).toBeDefined()
    return found
  } catch (error) {
    const isNew = error instanceof LogError && error.code === 'unreadable' && ledger.heads.size === 0
    if (isNew) return undefined
    throw error
  }
}

async function expectPromises(store: AdoptingStore, ledger: Ledger): Promise<void> {
  const [there, gone] = [await namesOf(store), await tombstonesOf(store)]
  for (const workspace of ledger.heads.keys()) {
    const isThere = there.includes(workspace)
    if (ledger.purged.has(workspace)) expect(isThere || gone.includes(workspace), `${workspace} is purged`).toBe(false)
    else if (ledger.deleted.has(workspace)) expect(isThere, `${workspace} is deleted`).toBe(false)
    // A deletion that was under way may be done.
    else expect(isThere || gone.includes(workspace), `${workspace} is there`).toBe(true)
  }
  for (const workspace of there) {
    const log = await store.open(workspace)
    await expectRecords(log, ledger)
    await expectMark(log)
    await expectSnapshots(log, ledger)
    await log.close()
  }
}

async function expectRecords(log: WorkspaceLog, { heads, firstLsns }: Ledger): Promise<void> {
  const { workspace, head, firstLsn } = log
  expect(head, `head of ${workspace}`).toBeGreaterThanOrEqual(heads.get(workspace) ?? 0)
  const promisedFirst = firstLsns.get(workspace)
  if (promisedFirst !== undefined)
    expect(firstLsn, `first record of ${workspace}`).toBeGreaterThanOrEqual(promisedFirst)
  // A compaction that was under way may be done.
  if (firstLsn > 1) expect(firstLsn, `first record of ${workspace}`).toBeLessThanOrEqual(head - EVENTS_KEPT + 1)
  let expected: number = firstLsn
  for await (const { lsn, update, idempotencyKey } of log.read()) {
    expect(lsn, `a record of ${workspace}`).toBe(expected++)
    expect(Buffer.compare(update, updateOf(workspace, lsn)), `${workspace} ${lsn}`).toBe(0)
    expect(idempotencyKey, `${workspace} ${lsn}`).toBe(keyOf(lsn))
  }
  expect(expected - 1, `last record of ${workspace}`).toBe(head)
  for (let lsn = 1; lsn <= head; lsn++) {
    const key = keyOf(lsn)
    if (key !== undefined) expect(await log.lsnOfKey(key), `${key} of ${workspace}`).toBe(lsn)
  }
}

/** Fails unless the records through the mark are there: both are one write. */
async function expectMark(log: AdoptingLog): Promise<void> {
  const mark = await log.readMark()
  expect(mark?.lsn ?? 0, `mark of ${log.workspace}`).toBeLessThanOrEqual(log.head)
  expect(mark?.sequence ?? 0, `mark of ${log.workspace}`).toBe(10 * (mark?.lsn ?? 0))
}

async function expectSnapshots(log: WorkspaceLog, { snapshots }: Ledger): Promise<void> {
  const { workspace, firstLsn, snapshotLsn } = log
  const taken = snapshots.get(workspace) ?? []
  expect(snapshotLsn, `newest snapshot of ${workspace}`).toBeGreaterThanOrEqual(taken.at(-1) ?? 0)
  const kept = taken.filter((lsn) => lsn >= firstLsn - 1)
  // The snapshot that stands for dropped records must be there, whether or not it was promised.
  const needed = new Set([...kept, ...(snapshotLsn > 0 ? [snapshotLsn] : []), ...(firstLsn > 1 ? [firstLsn - 1] : [])])
  for (const lsn of needed) {
    const found = await log.latestSnapshot({ atOrBefore: parseLsn(lsn) })
    expect(found?.lsn, `snapshot of ${workspace} at ${lsn}`).toBe(lsn)
    expect(Buffer.compare(found?.state ?? Buffer.alloc(0), stateOf(workspace, lsn)), `${workspace} ${lsn}`).toBe(0)
    expect(Buffer.from(found?.annex ?? []).toString()).toBe(`annex ${lsn}`)
  }
}

async function goOn(store: EventStore, ledger: Ledger): Promise<void> {
  for (const workspace of await namesOf(store)) {
    const log = await store.open(workspace)
    await append(log, 3, ledger.add)
    await snapshot(log, ledger.add)
    await log.seal()
    await compact(log, ledger.add)
    await log.close()
  }
  for (const workspace of await tombstonesOf(store)) {
    await store.purge(workspace)
    ledger.add({ purged: workspace })
  }
}

async function namesOf(store: EventStore): Promise<string[]> {
  return [...(await listWorkspaces(store)), ...(await Array.fromAsync(store.systemLogs()))]
}

async function tombstonesOf(store: EventStore): Promise<string[]> {
  const names: string[] = []
  for await (const name of store.tombstones()) names.push(name)
  return names
}
