import { expect } from 'vitest'
import type { EventStore } from '../event-store.ts'
import { isIntact, verifyDirectory } from '../operations/verify-directory.ts'
import { KIND, OWNED_KINDS, ownRange, workspaceKey } from '../records/key.ts'
import { levelStoreOf, openLevelStore } from '../store/level-store.ts'
import { readAll } from './read-all.ts'
import { makeRichStore } from './rich-store.ts'
import { sampleEntry } from './sample-entry.ts'
import { sampleUpdate } from './sample-update.ts'
import { tamper } from './tamper.ts'

/** The note that tests of repairing write as the last record. */
export const NOTE = sampleEntry(0, { actor: 'joinery repair' })

export type Level = Parameters<Parameters<typeof tamper>[1]>[0]

export const open = (directory: string) => openLevelStore({ directory, durability: 'sync' })
export const lsns = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n)

const OWN_KINDS = [KIND.name, ...OWNED_KINDS]

export async function spoil(level: Level, key: Uint8Array): Promise<void> {
  const value = Buffer.from((await level.get(key)) ?? [])
  const at = value.byteLength >> 1
  value[at] = (value[at] ?? 0) ^ 1
  await level.put(key, value)
}

/**
 * Makes a rich store and damages workspace `a`, whose number is 0. It has 50 records, a key at each fifth, and up to 40
 * a snapshot at each tenth.
 */
export async function damagedStore(
  directory: string,
  damage: (level: Level) => Promise<void>,
): Promise<{ generation: string }> {
  const store = await makeRichStore(directory)
  const log = await store.open('a')
  const { generation = '' } = log
  for (let n = 41; n <= 50; n++) {
    const key = n % 5 === 0 ? { idempotencyKey: `key ${n} 🪚` } : {}
    await log.append(sampleEntry(n, { update: sampleUpdate('a', n), ...key })).durable
  }
  await store.close()
  await tamper(directory, damage)
  return { generation }
}

/** Every entry of the workspace with this number, and its identity. */
export async function entriesOf(store: EventStore, workspace: string, number: number): Promise<Map<string, string>> {
  const { disk } = levelStoreOf(store)
  const entries = new Map<string, string>()
  const add = (key: Uint8Array, value: Uint8Array) =>
    entries.set(Buffer.from(key).toString('hex'), Buffer.from(value).toString('hex'))
  add(workspaceKey(workspace), (await disk.get(workspaceKey(workspace))) ?? new Uint8Array())
  for (const kind of OWN_KINDS) {
    for await (const [key, value] of disk.entries(ownRange(kind, number))) add(key, value)
  }
  return entries
}

/** Opens `a`, writes, closes the store, and verifies it. */
export async function expectGoesOn(
  store: EventStore,
  directory: string,
  firstLsn: number,
  head: number,
): Promise<void> {
  const log = await store.open('a')
  await log.append(sampleEntry(1, { idempotencyKey: 'of today' })).durable
  const records = await readAll(log)
  expect(records.map(({ lsn }) => lsn)).toEqual(lsns(firstLsn, head + 1))
  expect(records.at(-2)).toMatchObject({ actor: NOTE.actor, update: NOTE.update })
  for (const { lsn, update } of records.slice(0, -2)) expect(update).toEqual(sampleUpdate('a', lsn))
  await store.close()
  const report = await verifyDirectory(directory)
  expect([report.problems, report.store?.problems, isIntact(report)]).toEqual([[], [], true])
}
