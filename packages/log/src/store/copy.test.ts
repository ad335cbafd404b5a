import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openMemoryStore } from '../memory/memory-store.ts'
import { exportArchive } from '../operations/export-archive.ts'
import { openForReading } from '../operations/open-for-reading.ts'
import { restoreArchive } from '../operations/restore-archive.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { openLevelStore } from './level-store.ts'

let parent = ''
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'joinery-copy-'))
})
afterEach(() => rm(parent, { recursive: true, force: true }))

async function copyOf(name: string): Promise<string> {
  const store = await openLevelStore({ directory: join(parent, name), durability: 'async' })
  const { copy } = store
  await store.close()
  return copy
}

it('[L110] the id of a copy stays over restarts and a move, and is another one in a copied directory', async () => {
  const original = await copyOf('original')
  expect(await copyOf('original')).toBe(original)
  await cp(join(parent, 'original'), join(parent, 'copied'), { recursive: true })
  expect(await copyOf('copied')).not.toBe(original)
  await rename(join(parent, 'original'), join(parent, 'moved'))
  expect(await copyOf('moved')).toBe(original)
  await rm(join(parent, 'moved'), { recursive: true })
  await cp(join(parent, 'copied'), join(parent, 'original'), { recursive: true })
  expect(await copyOf('original')).not.toBe(original)
})

it('[L110] the id of a copy is the same where it is opened for reading', async () => {
  const copy = await copyOf('data')
  const { store, close } = await openForReading(join(parent, 'data'))
  expect(store.copy).toBe(copy)
  await close()
})

it('[L110] the id of a copy is another one after a restore from an archive', async () => {
  const store = await openLevelStore({ directory: join(parent, 'original'), durability: 'async' })
  const log = await store.open('w')
  await log.append(sampleEntry(1)).durable
  const archive: Uint8Array[] = []
  for await (const chunk of exportArchive(store)) archive.push(chunk)
  await restoreArchive(join(parent, 'restored'), async function* () {
    yield* archive
  })
  expect(await copyOf('restored')).not.toBe(store.copy)
  await store.close()
})

it('[L110] each store in memory is a copy of its own', () => {
  expect(openMemoryStore().copy).not.toBe(openMemoryStore().copy)
})
