import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { EventStore } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { recordKey, workspaceKey } from '../records/key.ts'
import { decodeWorkspaceIdentity } from '../records/workspace-identity.ts'
import { openLevelStore } from '../store/level-store.ts'
import { NOTE } from '../testing/damaged-scene.ts'
import { readAll } from '../testing/read-all.ts'
import { archiveOf, once } from '../testing/rich-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { tamper } from '../testing/tamper.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { exportIntact } from './export-intact.ts'
import { importArchive } from './import-archive.ts'
import { inspectStore } from './inspect-store.ts'
import { makeArchive } from './make-archive.ts'
import { readHistory } from './read-history.ts'
import { repairWorkspace } from './repair-workspace.ts'
import { restoreArchive } from './restore-archive.ts'
import type { TrialLoad } from './trial-load.ts'
import { isIntact, verifyDirectory } from './verify-directory.ts'
import { verifyStore } from './verify-store.ts'

const makeDirectory = testDirectories()
const open = (directory: string) => openLevelStore({ directory, durability: 'async' })
const refusal = (code: LogError['code'], message = '') =>
  expect.objectContaining({ name: 'LogError', code, message: expect.stringContaining(message) })
const NAMES = ['a', 'b', '!work', '!work/a', '!work/b', '!lease/a']

/** A store of two workspaces and their system logs, each with five records that name it. */
async function makeStore(names: readonly string[] = NAMES): Promise<{ directory: string; store: EventStore }> {
  const directory = await makeDirectory()
  const store = await open(directory)
  for (const name of names) {
    const log = await store.open(name)
    for (let n = 1; n <= 5; n++) {
      const key = n === 3 ? { idempotencyKey: `key of ${name}` } : {}
      await log.append(sampleEntry(n, { update: Buffer.from(`${name} ${n}`), touched: [`task/${n}`], ...key })).durable
    }
    if (name === '!work/a') await log.snapshot({ lsn: 3 as Lsn, state: Buffer.from('folded') })
    await log.close()
  }
  return { directory, store }
}

/** The updates of every log, by name. */
async function updatesOf(store: EventStore): Promise<Record<string, string[]>> {
  const updates: Record<string, string[]> = {}
  for (const names of [store.workspaces(), store.systemLogs()]) {
    for await (const name of names) {
      const log = await store.open(name)
      updates[name] = (await readAll(log)).map(({ update }) => Buffer.from(update).toString())
      await log.close()
    }
  }
  return updates
}

const fiveOf = (name: string, as = name): Record<string, string[]> => ({
  [as]: [1, 2, 3, 4, 5].map((n) => `${name} ${n}`),
})
const namesIn = (logs: readonly { workspace: string }[] | undefined) => logs?.map(({ workspace }) => workspace)

/** Spoils a record of a log in a closed directory. */
async function spoil(directory: string, name: string, lsn = 4): Promise<void> {
  await tamper(directory, async (level) => {
    const identity = await level.get(workspaceKey(name))
    if (identity === undefined) throw new Error(`there is no ${name}`)
    const key = recordKey(decodeWorkspaceIdentity(name, identity).number, lsn as Lsn)
    const value = Buffer.from((await level.get(key)) ?? [])
    value[12] = (value[12] ?? 0) ^ 1
    await level.put(key, value)
  })
}

describe('system logs', () => {
  it('[L120] are verified, inspected and read like workspaces, and are named apart from them', async () => {
    const { directory, store } = await makeStore()
    const loaded: string[] = []
    const load = (workspace: string): TrialLoad => {
      loaded.push(workspace)
      return { add: () => undefined, finish: () => undefined }
    }
    const report = await verifyStore(store, { load })
    expect([namesIn(report.workspaces), namesIn(report.systemLogs)]).toEqual([
      ['a', 'b'],
      ['!lease/a', '!work', '!work/a', '!work/b'],
    ])
    // A system log holds no document.
    expect(loaded).toEqual(['a', 'b'])
    const { workspaces, systemLogs } = await inspectStore(store)
    expect([namesIn(workspaces), namesIn(systemLogs)]).toEqual([namesIn(report.workspaces), namesIn(report.systemLogs)])
    expect(await inspectStore(store, { workspace: '!work/a' })).toMatchObject({
      workspaces: [],
      systemLogs: [{ workspace: '!work/a', head: 5, snapshots: { lsns: [3] } }],
    })
    const rows = await readHistory(store, { workspace: '!work/a', touched: 'task/2', limit: 10 })
    expect(rows.map(({ lsn }) => lsn)).toEqual([2])
    await store.close()
    await spoil(directory, '!work/b')
    const damaged = await verifyDirectory(directory)
    expect(isIntact(damaged)).toBe(false)
    expect(damaged.store?.systemLogs.filter(({ problemCount }) => problemCount > 0)).toMatchObject([
      { workspace: '!work/b', problems: [{ code: 'record_damaged', lsn: 4 }] },
    ])
  })

  it('[L120] a damaged one is repaired by its name, ends with the note, and its workspace is untouched', async () => {
    const { directory, store } = await makeStore()
    await store.close()
    await spoil(directory, '!work/b')
    const again = await open(directory)
    const refuses = (): TrialLoad => expect.fail('a system log holds no document')
    const { head } = await repairWorkspace(again, '!work/b', { directory, note: NOTE, load: refuses })
    expect(head).toBe(4)
    expect(isIntact(await verifyDirectoryOf(again, directory))).toBe(true)
    const log = await open(directory)
    expect(await updatesOf(log)).toMatchObject({ ...fiveOf('b'), ...fiveOf('!work/a'), ...fiveOf('!work') })
    await log.close()
  })

  it('[L120] one of which nothing is whole is begun anew by a repair, with the note alone; a workspace is not', async () => {
    const directory = await makeDirectory()
    const names = ['!work/a', 'a']
    const store = await open(directory)
    for (const name of names) {
      const log = await store.open(name)
      for (const lsn of [1, 2]) await log.append(sampleEntry(lsn)).durable
      await log.close()
    }
    await store.close()
    for (const name of names) await spoil(directory, name, 1)
    const again = await open(directory)
    await expect(repairWorkspace(again, 'a', { directory, note: NOTE })).rejects.toEqual(refusal('corrupted'))
    const repaired = await repairWorkspace(again, '!work/a', { directory, note: NOTE })
    expect(repaired).toMatchObject({ head: 1, droppedBehind: 2, kept: { head: 0 } })
    const log = await again.open('!work/a')
    expect((await Array.fromAsync(log.read())).map(({ actor }) => actor)).toEqual([NOTE.actor])
    await again.close()
  })

  it('[L121] an archive of a workspace carries its system logs, and an import brings them back', async () => {
    const { store } = await makeStore()
    const archive = await archiveOf(store, ['a'])
    await store.close()
    const other = await open(await makeDirectory())
    const outcome = await importArchive(other, () => once(archive))
    expect([namesIn(outcome.workspaces), namesIn(outcome.systemLogs), outcome.leftOut]).toEqual([
      ['a'],
      ['!lease/a', '!work/a'],
      [],
    ])
    expect(await updatesOf(other)).toEqual({ ...fiveOf('a'), ...fiveOf('!work/a'), ...fiveOf('!lease/a') })
    const journal = await other.open('!work/a')
    expect([await journal.lsnOfKey('key of !work/a'), journal.snapshotLsn]).toEqual([3, 3])
    await other.close()
  })

  it('[L121] a backup has all system logs, and its restore brings all of them back', async () => {
    const { store } = await makeStore()
    await store.tombstone('b')
    const archive = await archiveOf(store)
    const before = await updatesOf(store)
    await store.close()
    const directory = join(await makeDirectory(), 'restored')
    const outcome = await restoreArchive(directory, () => once(archive))
    expect(namesIn(outcome.systemLogs)).toEqual(['!lease/a', '!work', '!work/a', '!work/b'])
    const restored = await open(directory)
    expect(await updatesOf(restored)).toEqual(before)
    await restored.close()
  })

  it('[L121] of a whole archive, one workspace is imported with its own system logs only', async () => {
    const { store } = await makeStore()
    const archive = await archiveOf(store)
    await store.close()
    const other = await open(await makeDirectory())
    await importArchive(other, () => once(archive), { workspaces: ['b'] })
    expect(Object.keys(await updatesOf(other)).sort()).toEqual(['!work/b', 'b'])
    const copied = await importArchive(other, () => once(archive), { workspaces: ['a'], rename: () => 'c/d' })
    expect(namesIn(copied.systemLogs)).toEqual(['!lease/c/d', '!work/c/d'])
    expect(await updatesOf(other)).toMatchObject({ ...fiveOf('a', 'c/d'), ...fiveOf('!work/a', '!work/c/d') })
    await other.close()
  })

  it('[L121] a system log that is there already stays as it is, and the import names it', async () => {
    const { store } = await makeStore()
    const archive = await archiveOf(store)
    await store.close()
    const other = await open(await makeDirectory())
    for (const name of ['!work', '!lease/a']) {
      const log = await other.open(name)
      await log.append(sampleEntry(1, { update: Buffer.from('newer') })).durable
      // One that is in use is there, too.
      if (name === '!lease/a') await log.close()
    }
    const outcome = await importArchive(other, () => once(archive))
    expect([namesIn(outcome.workspaces), namesIn(outcome.systemLogs), outcome.leftOut]).toEqual([
      ['a', 'b'],
      ['!work/a', '!work/b'],
      ['!lease/a', '!work'],
    ])
    await other.close()
  })

  it('[L121] an import that fails takes back no system log that was there before', async () => {
    const { store } = await makeStore()
    const archive = await archiveOf(store)
    await store.close()
    const other = await open(await makeDirectory())
    const log = await other.open('!lease/a')
    await log.append(sampleEntry(1, { update: Buffer.from('newer') })).durable
    await log.close()
    const load = (workspace: string): TrialLoad => ({
      add: () => {
        if (workspace === 'b') throw new Error('no document')
      },
      finish: () => undefined,
    })
    await expect(importArchive(other, () => once(archive), { load })).rejects.toEqual(refusal('corrupted'))
    expect(await updatesOf(other)).toEqual({ '!lease/a': ['newer'] })
    await other.close()
  })

  it('[L121] no workspace is imported under the name of a system log', async () => {
    const { store } = await makeStore(['a'])
    const archive = await archiveOf(store)
    for (const name of ['!work', '!work/a', '!']) {
      const importing = importArchive(store, () => once(archive), { rename: () => name })
      await expect(importing).rejects.toEqual(refusal('invalid', 'system log'))
      const foreign = [{ workspace: name, entries: [sampleEntry(1)] }]
      const made = async () => Array.fromAsync(makeArchive('elsewhere', 1, iterate(foreign)))
      await expect(made()).rejects.toEqual(refusal('invalid', 'system log'))
    }
    await store.close()
  })

  it('[L121] the intact part of a damaged workspace carries its system logs', async () => {
    const { directory, store } = await makeStore()
    await store.close()
    await spoil(directory, 'a')
    const damaged = await open(directory)
    await expect(archiveOf(damaged, ['a'])).rejects.toEqual(refusal('corrupted'))
    const archive = Buffer.concat(await Array.fromAsync(exportIntact(damaged, 'a', { note: NOTE })))
    await damaged.close()
    const other = await open(await makeDirectory())
    expect(await importArchive(other, () => once(archive))).toMatchObject({
      workspaces: [{ workspace: 'a', head: 4 }],
      systemLogs: [{ workspace: '!lease/a' }, { workspace: '!work/a' }],
    })
    await other.close()
  })
})

async function verifyDirectoryOf(store: EventStore, directory: string) {
  await store.close()
  return verifyDirectory(directory)
}

async function* iterate<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
