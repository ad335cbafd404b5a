import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { hashOfText, type Vectors } from './vector-file.ts'
import { VectorStore } from './vector-store.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'joinery-test-'))
})
afterEach(() => rm(directory, { recursive: true }))

const vectorsOf = (...texts: string[]): Vectors =>
  new Map(texts.map((text, index) => [hashOfText(text), Float32Array.of(index, 0.1, -1)]))
const filesIn = async (): Promise<string[]> =>
  (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.vectors') || name.endsWith('.draft'))

it('[RE5] vectors come back as they were, from another process, too, and the same ones again change nothing', async () => {
  const store = new VectorStore(directory)
  expect((await store.read('w', 'key')).size).toBe(0)
  await store.add('w', 'key', vectorsOf('one', 'two'))
  await store.add('w', 'key', vectorsOf('one', 'two'))
  expect(await filesIn()).toHaveLength(1)
  await new VectorStore(directory).add('w', 'key', vectorsOf('three'))
  for (const reader of [store, new VectorStore(directory)])
    expect(await reader.read('w', 'key')).toEqual(new Map([...vectorsOf('one', 'two'), ...vectorsOf('three')]))
  expect((await store.read('w', 'another key')).size).toBe(0)
  expect((await store.read('another', 'key')).size).toBe(0)
})

it('[RE5] a damaged, cut or foreign file is as one that is not there', async () => {
  await new VectorStore(directory).add('w', 'key', vectorsOf('one'))
  await new VectorStore(directory).add('w', 'key', vectorsOf('two'))
  const [first = '', second = ''] = await filesIn()
  await truncate(join(directory, first), 60)
  await writeFile(join(directory, second.replace(/\w{4}\.vectors$/, 'beef.vectors')), 'no vectors')
  expect((await new VectorStore(directory).read('w', 'key')).size).toBe(1)
  const bytes = Buffer.alloc(200, 7)
  await writeFile(join(directory, second), bytes)
  expect((await new VectorStore(directory).read('w', 'key')).size).toBe(0)
})

it('[RE5] many files are joined, and vectors of texts that are gone are left out', async () => {
  const store = new VectorStore(directory, 2)
  for (const text of ['a', 'b', 'c']) await store.add('w', 'key', vectorsOf(text))
  for (const kept of [['a', 'b', 'c'], ['b']]) {
    await store.retain('w', 'key', new Set(kept.map(hashOfText)))
    expect(await filesIn()).toHaveLength(1)
    for (const reader of [store, new VectorStore(directory)])
      expect([...(await reader.read('w', 'key')).keys()].sort()).toEqual(kept.map(hashOfText).sort())
  }
})

it('[RE6] the vectors of a workspace that is gone, and those of another model, are removed', async () => {
  const store = new VectorStore(directory)
  for (const workspace of ['kept', 'gone', 'purged']) await store.add(workspace, 'key', vectorsOf('one'))
  await store.add('kept', 'old key', vectorsOf('one'))
  await store.forget('purged')
  await store.keepOnly(
    (async function* () {
      yield* ['kept', 'never embedded']
    })(),
    'key',
  )
  expect(await filesIn()).toHaveLength(1)
  expect((await store.read('kept', 'key')).size).toBe(1)
  expect((await store.read('gone', 'key')).size).toBe(0)
})
