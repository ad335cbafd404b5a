import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { EventStore } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { extentKey, idempotencyKey, KIND, numberOfKey, recordKey, snapshotKey, workspaceKey } from '../records/key.ts'
import { openLevelStore } from '../store/level-store.ts'
import {
  damagedStore as damageStore,
  entriesOf,
  expectGoesOn,
  type Level,
  lsns,
  NOTE,
  open,
  spoil,
} from '../testing/damaged-scene.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { sampleUpdate } from '../testing/sample-update.ts'
import { tamper } from '../testing/tamper.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { readRemains } from './remains.ts'
import { surveyRepair } from './repair-survey.ts'
import { type Repaired, repairWorkspace } from './repair-workspace.ts'

const makeDirectory = testDirectories()
const refusal = (code: LogError['code']) => expect.objectContaining({ name: 'LogError', code })

async function damagedStore(
  damage: (level: Level) => Promise<void>,
): Promise<{ directory: string; generation: string }> {
  const directory = await makeDirectory()
  return { directory, ...(await damageStore(directory, damage)) }
}

/** Repairs `a`, and checks what holds whatever the damage was. */
async function repairA(directory: string): Promise<{ repaired: Repaired; store: EventStore }> {
  const store = await open(directory)
  const before = await entriesOf(store, 'a', 0)
  const entriesOfOthers = () => Promise.all([entriesOf(store, 'b', 1), entriesOf(store, 'gone', 2)])
  const others = await entriesOfOthers()
  const survey = await surveyRepair(store, 'a')
  expect(await entriesOf(store, 'a', 0)).toEqual(before)
  expect(await readdir(directory)).not.toContain('repaired')
  const repaired = await repairWorkspace(store, 'a', { directory, note: NOTE })
  expect(repaired).toMatchObject(survey)
  const { path, entries, bytes } = repaired.remains
  const kept = new Map<string, string>()
  for await (const [key, value] of readRemains(path)) {
    kept.set(Buffer.from(key).toString('hex'), Buffer.from(value).toString('hex'))
  }
  expect(kept).toEqual(before)
  expect([entries, bytes]).toEqual([before.size, (await stat(path)).size])
  const left = await entriesOf(store, 'a', 0)
  expect([...left.keys()].filter((key) => key.startsWith('04'))).toEqual([])
  expect(await entriesOfOthers()).toEqual(others)
  return { repaired, store }
}

describe('repairing a workspace', () => {
  it('[L92, L93, L94] ends it before the first damaged record, as another generation, and keeps what is behind', async () => {
    const { directory, generation } = await damagedStore((level) => spoil(level, recordKey(0, 47 as Lsn)))
    const { repaired, store } = await repairA(directory)
    expect(repaired).toMatchObject({
      ...{ workspace: 'a', generation, droppedBefore: 0, droppedBehind: 4, head: 47 },
      kept: { firstLsn: 1, head: 46, snapshots: 4 },
    })
    expect(repaired.problems).toEqual([expect.objectContaining({ code: 'record_damaged', lsn: 47 })])
    expect(repaired.newGeneration).not.toBe(generation)
    const log = await store.open('a')
    expect([log.head, log.generation, log.snapshotLsn]).toEqual([47, repaired.newGeneration, 40])
    expect(Buffer.from((await log.latestSnapshot())?.state ?? []).toString()).toContain('state of a at 40')
    expect([await log.lsnOfKey('key 45 🪚'), await log.lsnOfKey('key 50 🪚')]).toEqual([45, undefined])
    await log.close()
    await expectGoesOn(store, directory, 1, 47)
  })

  it('[L92, L93] ends it where openDamaged ends, also when its end is lost or a snapshot reaches beyond', async () => {
    const damages: [(level: Level) => Promise<unknown>, number][] = [
      [(level) => level.del(recordKey(0, 50 as Lsn)), 49],
      [(level) => Promise.all(lsns(39, 50).map((lsn) => level.del(recordKey(0, lsn as Lsn)))), 40],
      [(level) => Promise.all([level.del(recordKey(0, 43 as Lsn)), level.del(snapshotKey(0, 40 as Lsn, 0))]), 42],
    ]
    for (const [damage, head] of damages) {
      const { directory } = await damagedStore(async (level) => void (await damage(level)))
      const looking = await open(directory)
      const served = await looking.openDamaged('a')
      await looking.close()
      const { repaired, store } = await repairA(directory)
      expect([served.head, repaired.kept.head, repaired.droppedBehind]).toEqual([head, head, 50 - head])
      await expectGoesOn(store, directory, repaired.kept.firstLsn, head + 1)
    }
  })

  it('[L93] drops history that has a gap through the first snapshot behind it, keeps state, generation and keys', async () => {
    const { directory, generation } = await damagedStore(async (level) => {
      await spoil(level, recordKey(0, 7 as Lsn))
      await spoil(level, recordKey(0, 12 as Lsn))
    })
    const { repaired, store } = await repairA(directory)
    expect(repaired).toMatchObject({
      ...{ droppedBefore: 20, droppedBehind: 0, newGeneration: generation, head: 51 },
      kept: { firstLsn: 21, head: 50, snapshots: 3 },
    })
    const log = await store.open('a')
    expect(await log.lsnOfKey('key 5 🪚')).toBe(5)
    expect((await log.latestSnapshot({ atOrBefore: 20 as Lsn }))?.lsn).toBe(20)
    await log.close()
    await expectGoesOn(store, directory, 21, 51)
  })

  it('[L93] leaves out damaged snapshots, extents and keys, and drops no record for them', async () => {
    const damages: [damage: (level: Level) => Promise<void>, snapshots: number][] = [
      // The two behind it are packed against it.
      [(level) => spoil(level, snapshotKey(0, 20 as Lsn, 0)), 1],
      [(level) => spoil(level, extentKey(0)), 4],
      [(level) => spoil(level, idempotencyKey(0, 'key 15 🪚')), 4],
      [(level) => level.put(idempotencyKey(0, 'astray'), Buffer.alloc(10)), 4],
    ]
    for (const [damage, snapshots] of damages) {
      const { directory, generation } = await damagedStore(damage)
      const { repaired, store } = await repairA(directory)
      expect(repaired).toMatchObject({ droppedBefore: 0, droppedBehind: 0, newGeneration: generation })
      expect(repaired.kept).toEqual({ firstLsn: 1, head: 50, snapshots })
      const log = await store.open('a')
      expect(await log.lsnOfKey('key 15 🪚')).toBe(15)
      await log.close()
      await expectGoesOn(store, directory, 1, 51)
    }
  })

  it('[L92, L93] reads records out of segments, also where nothing but the keys says that there are any', async () => {
    const directory = await makeDirectory()
    const making = await openLevelStore({ directory, durability: 'async' })
    const log = await making.open('a')
    for (let n = 1; n <= 300; n++) await log.append(sampleEntry(n, { update: sampleUpdate('a', n) })).durable
    await log.seal()
    await making.close()
    await tamper(directory, async (level) => {
      await spoil(level, extentKey(0))
      await spoil(level, recordKey(0, 299 as Lsn))
    })
    const store = await open(directory)
    const repaired = await repairWorkspace(store, 'a', { directory, note: NOTE })
    expect(repaired).toMatchObject({ kept: { firstLsn: 1, head: 298 }, droppedBehind: 2, head: 299 })
    await expectGoesOn(store, directory, 1, 299)
  })

  it('[L96] refuses what is whole, absent, deleted or open, and what nothing good can be told of, and changes nothing', async () => {
    const { directory } = await damagedStore(async (level) => {
      const isSnapshot = (key: Uint8Array) => key[0] === KIND.snapshot && numberOfKey(key) === 0
      for await (const key of level.keys()) if (isSnapshot(key)) await spoil(level, key)
      await spoil(level, recordKey(0, 1 as Lsn))
      await spoil(level, workspaceKey('gone'))
    })
    const store = await open(directory)
    await store.tombstone('empty')
    const before = await entriesOf(store, 'a', 0)
    const repair = (workspace: string) => repairWorkspace(store, workspace, { directory, note: NOTE })
    await expect(repair('b')).rejects.toEqual(refusal('invalid'))
    await expect(repair('none')).rejects.toEqual(refusal('invalid'))
    await expect(repair('empty')).rejects.toEqual(refusal('deleted'))
    await expect(repair('gone')).rejects.toEqual(refusal('corrupted'))
    await expect(repair('a')).rejects.toEqual(refusal('corrupted'))
    const log = await store.open('b')
    await expect(repair('b')).rejects.toEqual(refusal('locked'))
    expect(await surveyRepair(store, 'b')).toMatchObject({
      problemCount: 0,
      kept: { firstLsn: 1, head: 25, snapshots: 2 },
    })
    await log.close()
    expect(await entriesOf(store, 'a', 0)).toEqual(before)
    expect(await readdir(directory)).not.toContain('repaired')
    await store.close()
  })

  it('[L122] ends it before the first record that can not be loaded, counted from the newest snapshot that can', async () => {
    for (const [unloadable, head, firstLsn] of [
      [46, 45, 1],
      [33, 46, 41],
    ] as const) {
      const { directory } = await damagedStore((level) => spoil(level, recordKey(0, 47 as Lsn)))
      const store = await open(directory)
      const load = () => ({
        add: (update: Uint8Array) => {
          if (Buffer.compare(update, sampleUpdate('a', unloadable)) === 0) throw new Error('no document')
        },
        finish: () => undefined,
      })
      const { kept } = await repairWorkspace(store, 'a', { directory, note: NOTE, load })
      expect(kept).toMatchObject({ firstLsn, head })
      await expectGoesOn(store, directory, firstLsn, head + 1)
    }
  })

  it('[L94, L95] leaves the workspace as it was where what is there can’t be kept or what is left can’t be loaded', async () => {
    const { directory } = await damagedStore((level) => spoil(level, recordKey(0, 47 as Lsn)))
    const store = await open(directory)
    const before = await entriesOf(store, 'a', 0)
    const load = () => ({
      add: () => undefined,
      finish: () => {
        throw new Error('no document')
      },
    })
    await expect(repairWorkspace(store, 'a', { directory, note: NOTE, load })).rejects.toEqual(refusal('corrupted'))
    await writeFile(join(directory, 'repaired'), 'in the way')
    await expect(repairWorkspace(store, 'a', { directory, note: NOTE })).rejects.toEqual(refusal('storage_failed'))
    const stop = AbortSignal.abort(new Error('enough'))
    await expect(repairWorkspace(store, 'a', { directory, note: NOTE, signal: stop })).rejects.toThrow('enough')
    expect(await entriesOf(store, 'a', 0)).toEqual(before)
    expect((await store.openDamaged('a')).head).toBe(46)
    const left = []
    for await (const name of store.tombstones()) left.push(name)
    expect(left).toEqual(['gone'])
    await store.close()
  })

  it('[L94] a file of what was there is refused with any bit of it flipped, and cut anywhere', async () => {
    const { directory } = await damagedStore((level) => spoil(level, recordKey(0, 47 as Lsn)))
    const { repaired, store } = await repairA(directory)
    await store.close()
    const whole = await readFile(repaired.remains.path)
    const count = async (bytes: Uint8Array) => {
      await writeFile(repaired.remains.path, bytes)
      let entries = 0
      for await (const _ of readRemains(repaired.remains.path)) entries++
      return entries
    }
    for (let n = 0; n < whole.byteLength; n += 97) {
      const flipped = Buffer.from(whole)
      flipped[n] = (flipped[n] ?? 0) ^ (1 << (n % 8))
      await expect(count(flipped), `byte ${n}`).rejects.toEqual(refusal('corrupted'))
      await expect(count(whole.subarray(0, n)), `cut at ${n}`).rejects.toEqual(refusal('corrupted'))
    }
    expect(await count(whole)).toBe(repaired.remains.entries)
  })
})
