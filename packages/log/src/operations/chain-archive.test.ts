import { expect, it } from 'vitest'
import type { EventStore } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { recordKey } from '../records/key.ts'
import { openLevelStore } from '../store/level-store.ts'
import { damagedStore, NOTE, open, spoil } from '../testing/damaged-scene.ts'
import { forgeArchive, historiesOf } from '../testing/forged-archive.ts'
import { archiveOf, makeRichStore, once } from '../testing/rich-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { inMemory, testDirectories } from '../testing/test-directory.ts'
import { exportIntact } from './export-intact.ts'
import { importArchive } from './import-archive.ts'
import { readArchive } from './read-archive.ts'
import { repairWorkspace } from './repair-workspace.ts'
import { isIntact, verifyOpenDirectory } from './verify-directory.ts'

const makeDirectory = testDirectories(inMemory())

async function chainAt(store: EventStore, workspace: string, lsns: readonly number[]): Promise<string[]> {
  const log = await store.open(workspace)
  const values: string[] = []
  for (const lsn of lsns) values.push(await log.chainAt(lsn as Lsn))
  await log.close()
  return values
}

/** A rich store whose workspace `a` was compacted through 20. */
async function compactedStore(): Promise<EventStore> {
  const store = await makeRichStore(await makeDirectory())
  const log = await store.open('a')
  await log.chainAt(15 as Lsn)
  await log.compact({ keepHistory: { events: 20 }, verify: () => undefined })
  await log.append(sampleEntry(41)).durable
  await log.close()
  return store
}

it('[L137] an import has the chain that the workspace had, with the values of what was dropped, and goes on with it', async () => {
  const source = await compactedStore()
  const expected = await chainAt(source, 'a', [15, 20, 21, 41])
  const archive = await archiveOf(source)
  const directory = await makeDirectory()
  const target = await openLevelStore({ directory, durability: 'async' })
  await importArchive(target, () => once(archive))
  expect(await chainAt(target, 'a', [15, 20, 21, 41])).toEqual(expected)
  expect(await chainAt(target, 'b', [25])).toEqual(await chainAt(source, 'b', [25]))
  for (const store of [source, target]) {
    const log = await store.open('empty')
    expect(await log.chainAt()).toBe('0'.repeat(64))
    await log.close()
  }
  expect(isIntact(await verifyOpenDirectory(directory, target))).toBe(true)
  await Promise.all([source.close(), target.close()])
})

it('[L137] a copy under another name has the chain of its original, and one of its own from there on', async () => {
  const store = await compactedStore()
  const archive = await archiveOf(store, ['a'])
  await importArchive(store, () => once(archive), { rename: () => 'copy' })
  const lsns = [20, 41]
  expect(await chainAt(store, 'copy', lsns)).toEqual(await chainAt(store, 'a', lsns))
  for (const name of ['a', 'copy']) {
    const log = await store.open(name)
    await log.append(sampleEntry(42)).durable
    await log.close()
  }
  expect(await chainAt(store, 'copy', [42])).not.toEqual(await chainAt(store, 'a', [42]))
  await store.close()
})

it('[L137] an archive whose records do not make its last chain value is corrupted, and one without chains is read', async () => {
  const store = await compactedStore()
  const archive = await archiveOf(store, ['a'])
  await store.close()
  const history = (await historiesOf(once(archive))).get('a')
  if (history === undefined) throw new Error('there is no history')
  const read = async (bytes: AsyncIterable<Uint8Array>): Promise<number> => {
    let records = 0
    for await (const item of readArchive(bytes)) if (item.kind === 'records') records += item.records.length
    return records
  }
  expect(await read(forgeArchive(history))).toBe(21)
  expect(
    await read(forgeArchive(history, { chain: 'f'.repeat(64) })).catch((error: LogError) => error.message),
  ).toMatch(/do not make its last chain value/)
  expect(await read(forgeArchive(history, { chain: undefined }))).toBe(21)
})

it('[L137] a repair goes on with the chain of the kept records, behind a mark of its new generation', async () => {
  const directory = await makeDirectory()
  const scene = await damagedStore(directory, (level) => spoil(level, recordKey(0, 47 as Lsn)))
  const store = await open(directory)
  const chunks: Uint8Array[] = []
  for await (const chunk of exportIntact(store, 'a', { note: NOTE })) chunks.push(chunk)
  const { newGeneration, head } = await repairWorkspace(store, 'a', { directory, note: NOTE })
  expect(newGeneration).not.toBe(scene.generation)
  const repaired = (await historiesOf(once(await archiveOf(store, ['a'])))).get('a')
  expect(repaired?.marks).toEqual([
    { after: 0, generation: scene.generation },
    { after: head - 1, generation: newGeneration },
  ])
  const intact = (await historiesOf(once(Buffer.concat(chunks)))).get('a')
  expect(intact?.marks[0]).toEqual(repaired?.marks[0])
  expect(isIntact(await verifyOpenDirectory(directory, store))).toBe(true)
  await store.close()
})
