import { createBlock, getBlock, type LongWork, setEdge } from '@joinery/blocks'
import type { LogRecord, Lsn, WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import { readingClients } from '../history/record-deeds.ts'
import { ApiFixture } from '../testing/api-fixture.ts'
import { viewingRecords } from './history-routes.ts'

const W = 'w' as WorkspaceId
const writer = { actor: 'somebody', source: 'user_action' }
const author = { actor: 'somebody', source: 'user_action' } as const

it('[H10] history tells who wrote what, by block, actor, source and time, in pages', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/a', { type: 'text' }, { 'x-joinery-actor': 'ada' })
  await api.call('PUT', '/blocks/ab', { type: 'text' }, { 'x-joinery-actor': 'ben' })
  await api.call('PATCH', '/blocks/a', { content: 'x' }, { 'x-joinery-source': 'workflow_execution' })
  const lsns = async (query: string) =>
    (await api.call('GET', `/history${query}`)).body.records.map(({ lsn }: { lsn: number }) => lsn)
  expect(await lsns('')).toEqual([1, 2, 3])
  expect(await lsns('?block=a')).toEqual([1, 3])
  expect(await lsns('?actor=ben')).toEqual([2])
  expect(await lsns('?source=workflow_execution')).toEqual([3])
  expect(await lsns('?from=2099-01-01T00:00:00Z')).toEqual([])
  expect(await lsns('?to=2000-01-01T00:00:00Z')).toEqual([])
  const page = (await api.call('GET', '/history?limit=2')).body
  expect(page.next).toBe(2)
  expect(await lsns(`?limit=2&after=${page.next}`)).toEqual([3])
  expect(page.records[0]).toMatchObject({
    actor: 'ada',
    source: 'user_action',
    connection: 'http',
    touched: expect.arrayContaining(['a']),
  })
})

it('[H10] a record names the fields that it set, and tells a deletion from a block or an edge that was made', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/a', { type: 'text', fields: { title: 'A' } })
  await api.call('PUT', '/blocks/b', { type: 'text' })
  await api.call('PATCH', '/blocks/a', { fields: { position: { x: 1, y: 2 }, size: null, title: 'B' } })
  await api.call('PATCH', '/blocks/a', { content: 'x' })
  await api.call('PUT', '/edges/e', { source: 'a', target: 'b' })
  await api.call('DELETE', '/edges/e')
  await api.call('DELETE', '/blocks/a')
  const large = { fields: { title: 'Long', note: 'x'.repeat(9_000) } }
  await api.call('PATCH', '/blocks/b', large)
  const { records } = (await api.call('GET', '/history')).body
  const told = records.map(({ fields, writes }: { fields: string[]; writes: boolean }) => [fields.sort(), writes])
  expect(told).toEqual([
    [['title'], true],
    [[], true],
    [['position', 'title'], true],
    [[], true],
    [[], true],
    [[], false],
    [[], false],
    [[], true],
  ])
})

it('[H10] with `as=clients` a record names the client ids under which it wrote, and a page is read up to a bound', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/a', { type: 'text', content: 'by ada' }, { 'x-joinery-actor': 'ada' })
  await api.call('PATCH', '/blocks/a', { content: 'by ada, and a job' }, { 'x-joinery-actor': 'job' })
  const told = async (query: string): Promise<number[][]> =>
    (await api.call('GET', `/history?block=a${query}`)).body.records.map(
      ({ clients }: { clients: number[] }) => clients,
    )
  const [ada = [], job = []] = await told('&as=clients')
  // The first record has the client of the block's own structure, too.
  expect([ada.length, job.length]).toEqual([2, 1])
  expect(ada).not.toContain(job[0])
  expect(await told('')).toEqual([undefined, undefined])
  const long = { lsn: 1 as never, update: new Uint8Array(4 * 1024 * 1024 + 1) }
  const short = { lsn: 2 as never, update: Uint8Array.of(0, 0) }
  expect(doneIn(readingClients([long, short])).value).toEqual(new Map([[2, []]]))
})

it('[H10] what a page tells is read record by record, so that others have their turns between two', async () => {
  await using api = await ApiFixture.start()
  for (const title of ['A', 'B', 'C']) await api.call('PUT', '/blocks/a', { type: 'text', fields: { title } })
  const records: LogRecord[] = []
  for await (const record of api.server.workspaces.records(W, { after: 0 as Lsn })) records.push(record)
  const views = doneIn(viewingRecords(records))
  expect(views.steps).toBeGreaterThanOrEqual(records.length)
  expect(views.value.map(({ lsn, fields }) => [lsn, fields])).toEqual([1, 2, 3].map((lsn) => [lsn, ['title']]))
  expect(doneIn(readingClients(records)).steps).toBeGreaterThanOrEqual(records.length)
})

/** The result of a work, and the number of its steps. */
function doneIn<T>(work: LongWork<T>): { readonly value: T; readonly steps: number } {
  for (let steps = 1; ; steps++) {
    const { done, value } = work.next()
    if (done) return { value, steps }
  }
}

it('[H11] a diff names what was added, removed and changed between two points', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/a', { type: 'text', content: 'one', fields: { n: 1 } })
  await api.call('PUT', '/blocks/b', { type: 'text' })
  await api.call('PATCH', '/blocks/a', { content: 'two', fields: { n: 2 }, data: { k: true } })
  await api.call('DELETE', '/blocks/b')
  await api.call('PUT', '/blocks/c', { type: 'text' })
  const { body } = await api.call('GET', '/diff?from=2&to=5')
  expect(body).toMatchObject({
    from: 2,
    to: 5,
    added: [{ id: 'c' }],
    removed: [{ id: 'b' }],
    changed: [
      {
        id: 'a',
        content: { before: 'one', after: 'two', edits: [{ index: 0, remove: 3, insert: 'two' }] },
        indexing: [],
        fields: [{ key: 'n', before: 1, after: 2 }],
        data: [{ key: 'k', before: null, after: true }],
      },
    ],
  })
  expect((await api.call('GET', '/diff?from=5&to=2')).body).toMatchObject({
    added: [{ id: 'b' }],
    removed: [{ id: 'c' }],
  })
  expect((await api.call('GET', '/diff?from=1&to=9')).body.error.code).toBe('unknown_lsn')
})

it('[H12] a restore shows again what was shown, content, fields, statuses and edges alike, by a new edit', async () => {
  await using api = await ApiFixture.start()
  const { workspaces } = api.server
  const { lsn } = await workspaces.write(W, {
    writer,
    via: 'test',
    run: (doc) => {
      const block = createBlock(doc, 'a', { type: 'text' })
      block.replaceContent('the old text')
      block.fields.set('n', { deep: 1 }, author)
      block.data.set('k', [1, 2])
      const run = block.indexingList.startRun('main', { ...author, collectionConfigs: { c: 1 } })
      block.indexingList.report('main', run, 'done', { ...author, chunks: 7 })
      const half = block.indexingList.startRun('half', author)
      block.indexingList.report('half', half, 'processing', { ...author, progress: 5, total: 10 })
      const failed = block.indexingList.startRun('other', author)
      block.indexingList.report('other', failed, 'error', { ...author, error: 'why' })
      createBlock(doc, 'b', { type: 'text' }).replaceContent('B')
      setEdge(doc, 'e', { source: 'a', target: 'b', label: 'x' })
    },
  })
  const before = (await api.call('GET', '/blocks')).body.blocks
  await api.call('PATCH', '/blocks/a', {
    content: 'the new text, longer',
    type: 'note',
    fields: { n: null, m: 1 },
    data: { k: null },
  })
  await api.call('POST', '/blocks/a/indexing/main/runs', {})
  await api.call('DELETE', '/blocks/a/indexing/other')
  await api.call('POST', '/blocks/a/indexing/half/runs', {})
  await api.call('POST', '/blocks/a/indexing/third/runs', {})
  await api.call('DELETE', '/blocks/b')
  await api.call('PUT', '/blocks/c', { type: 'text' })
  await workspaces.write(W, { writer, via: 'test', run: (doc) => setEdge(doc, 'e', { source: 'a', target: 'c' }) })
  const headers = { 'x-joinery-source': 'polling_sync', 'idempotency-key': 'r' }
  const restored = await api.call('POST', '/restore', { lsn }, headers)
  expect(restored.body).toMatchObject({ lsn: 10, restored: 1 })
  const after = (await api.call('GET', '/blocks')).body.blocks
  expect(after.map(shownIn)).toEqual(before.map(shownIn))
  expect(after[0].indexingList.find((entry: { index_name: string }) => entry.index_name === 'main').run.no).toBe(3)
  expect(await workspaces.read(W, ({ doc }) => doc.getMap('edges').toJSON())).toEqual({
    e: { source: 'a', target: 'b', label: 'x' },
  })
  expect((await api.call('POST', '/restore', { lsn }, headers)).body).toEqual(restored.body)
  expect((await api.call('POST', '/restore', { lsn })).body.touched).toEqual([])
})

it('[H12] a restore beyond the log is refused', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/a', { type: 'text' })
  expect((await api.call('POST', '/restore', { lsn: 5 })).body.error.code).toBe('unknown_lsn')
  expect(await api.server.workspaces.read(W, ({ doc }) => getBlock(doc, 'a') !== undefined)).toBe(true)
})

// biome-ignore lint/suspicious/noExplicitAny: an answer as it came
function shownIn({ version: _version, updatedBy: _by, indexingList, ...block }: any) {
  const statuses = indexingList.map(
    ({ index_name, status, chunks, progress, total, error, collection_configs }: Record<string, unknown>) => ({
      index_name,
      status,
      chunks,
      progress,
      total,
      error,
      collection_configs,
    }),
  )
  return { ...block, statuses }
}
