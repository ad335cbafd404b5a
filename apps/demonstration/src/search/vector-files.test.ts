import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IndexingEntry } from '@joinery/blocks'
import { embed, LETTERS } from '@joinery/resources/search'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { searchPassages } from './search.ts'
import { type IndexAddress, VectorFiles } from './vector-files.ts'

let directory: string
let files: VectorFiles
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'joinery-test-'))
  files = new VectorFiles(directory)
})
afterEach(() => rm(directory, { recursive: true }))

const runOf = (no: number): IndexAddress => ({ workspace: 'w', block: 'b', index: 'main', run: { no, id: `r${no}` } })
const passagesOf = (...texts: string[]) => texts.map((text) => ({ block: 'b', start: 0, text, vector: embed(text) }))
const entryOf = ({ run: { no, id }, index }: IndexAddress, status: 'processing' | 'done'): IndexingEntry => {
  const author = { source: 'workflow_execution', actor: 'job' } as const
  return { index_name: index, run: { no, id, source: author.source }, status, at: 0, ...author }
}
const question = { workspace: 'w', block: 'b', index: 'main', query: 'oak' }

it('[D5] a search finds what the shown run has built when it is done, and is refused before', async () => {
  await files.write(runOf(1), passagesOf('Oak moves.', 'Glue sets slowly.'), LETTERS.name)
  const matches = await searchPassages(files, entryOf(runOf(1), 'done'), question)
  expect(matches.map(({ text }) => text)).toEqual(['Oak moves.'])
  for (const entry of [undefined, entryOf(runOf(2), 'processing')]) {
    await expect(searchPassages(files, entry, question)).rejects.toMatchObject({ code: 'not_indexed' })
  }
})

it('[D5] a search says vectors_missing when the file is gone, cut, or by another model', async () => {
  await expect(searchPassages(files, entryOf(runOf(1), 'done'), question)).rejects.toMatchObject({
    code: 'vectors_missing',
  })
  await files.write(runOf(1), passagesOf('Oak moves.'), LETTERS.name)
  await expect(files.read(runOf(1), 'another model')).rejects.toMatchObject({ code: 'vectors_missing' })
  const [folder = ''] = await readdir(directory)
  const [name = ''] = await readdir(join(directory, folder))
  await truncate(join(directory, folder, name), 200)
  await expect(files.read(runOf(1), LETTERS.name)).rejects.toMatchObject({ code: 'vectors_missing' })
})

it('[D6] a finished run removes earlier ones’ files and leaves a later one’s and other indexes’', async () => {
  const other = { ...runOf(1), index: 'other' }
  for (const address of [runOf(1), runOf(2), runOf(3), other])
    await files.write(address, passagesOf(`${address.run.no}`), LETTERS.name)
  await files.removeEarlier(runOf(2))
  await expect(files.read(runOf(1), LETTERS.name)).rejects.toMatchObject({ code: 'vectors_missing' })
  for (const address of [runOf(2), runOf(3), other]) expect(await files.read(address, LETTERS.name)).toHaveLength(1)
})

it('[D6] a run’s vectors come back as they were, and no draft stays', async () => {
  const passages = passagesOf('Ash for the legs.', 'häßlich 🪵')
  await files.write(runOf(7), passages, LETTERS.name)
  await files.write(runOf(7), passages, LETTERS.name)
  expect(await files.read(runOf(7), LETTERS.name)).toEqual(passages)
  const [folder = ''] = await readdir(directory)
  expect(await readdir(join(directory, folder))).toHaveLength(1)
})

it('[D15] vectors of workspaces that are no more are deleted, and no others', async () => {
  const inWorkspace = (workspace: string): IndexAddress => ({ ...runOf(1), workspace })
  for (const workspace of ['kept', 'gone'])
    await files.write(inWorkspace(workspace), passagesOf('Oak moves.'), LETTERS.name)
  const existing = async function* () {
    yield* ['kept', 'never indexed']
  }
  await files.keepOnly(existing())
  expect(await files.read(inWorkspace('kept'), LETTERS.name)).toHaveLength(1)
  expect(await readdir(directory)).toHaveLength(1)
  await new VectorFiles(join(directory, 'not there')).keepOnly(existing())
})
