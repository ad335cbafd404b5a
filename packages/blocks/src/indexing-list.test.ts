import { expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import {
  createBlock,
  forkDoc,
  getBlock,
  type IndexingChange,
  type IndexingRun,
  indexingClaims,
  pruneBeaten,
  RunSupersededError,
} from './index.ts'
import { restoreClaims } from './restore-claims.ts'
import { docWithBlock, POLLER, syncAll, USER, WORKFLOW } from './testing/test-docs.ts'

test('[B11] startRun numbers runs by the highest seen, shows processing, and starts a named run once', () => {
  const { block } = docWithBlock()
  const list = block.indexingList
  const first = list.startRun('alpha', { ...WORKFLOW, collectionConfigs: { model: 'm1' }, at: 5 })
  expect(list.entries()).toEqual([
    { index_name: 'alpha', run: first, status: 'processing', ...WORKFLOW, at: 5, collection_configs: { model: 'm1' } },
  ])
  expect(first).toMatchObject({ no: 1, source: 'workflow_execution' })
  list.report('alpha', first, 'error', { ...WORKFLOW, error: 'out of memory' })
  expect(list.get('alpha')).toMatchObject({
    status: 'error',
    error: 'out of memory',
    collection_configs: { model: 'm1' },
  })
  const second = list.startRun('alpha', { ...WORKFLOW, runId: 'request-9' })
  expect(list.startRun('alpha', { ...WORKFLOW, runId: 'request-9' })).toEqual(second)
  expect(second).toMatchObject({ no: 2, id: 'request-9' })
  expect(list.startRun('beta', { ...USER, status: 'notStarted' }).no).toBe(1)
  expect(list.get('beta')?.status).toBe('notStarted')
})

test('[B12] startRun refuses to start over an unfinished run of a higher-priority source and says whose stands', () => {
  const { block } = docWithBlock()
  const list = block.indexingList
  const run = list.startRun('alpha', USER)
  const attempt = (): IndexingRun => list.startRun('alpha', WORKFLOW)
  expect(attempt).toThrow(RunSupersededError)
  expect(attempt).toThrow(
    expect.objectContaining({ code: 'run_superseded', name: 'RunSupersededError', standing: list.get('alpha') }),
  )
  expect(attempt).toThrow(/ada/)
  // The source that started the run decides, not the source that reports on it.
  list.report('alpha', run, 'processing', { ...POLLER, chunks: 3 })
  expect(attempt).toThrow(RunSupersededError)
  list.report('alpha', run, 'done', USER)
  expect(attempt().no).toBe(2)
})

test('[B13, M4] a late report of an older run is recorded, says so, and changes nothing shown', () => {
  const { doc, block } = docWithBlock()
  const list = block.indexingList
  const old = list.startRun('alpha', WORKFLOW)
  expect(list.report('alpha', old, 'error', { ...WORKFLOW, error: 'boom' })).toMatchObject({
    recorded: true,
    shown: true,
  })
  list.startRun('alpha', WORKFLOW)
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  expect(list.report('alpha', old, 'done', WORKFLOW)).toEqual({
    recorded: true,
    shown: false,
    entry: list.get('alpha'),
    rule: 1,
  })
  expect(list.get('alpha')).toMatchObject({ status: 'processing', run: { no: 2 } })
  // The update for the server's log holds the whole report.
  const carried = updates
    .flatMap((update) => Y.decodeUpdate(update).structs)
    .map((struct) => JSON.stringify('content' in struct ? struct.content : ''))
  expect(carried.join()).toContain('"done"')
  expect(pruneBeaten(doc)).toBe(1)
})

test('[B13] a repeated report by one writer wins within one tick of the clock', () => {
  const { block } = docWithBlock()
  const run = block.indexingList.startRun('alpha', WORKFLOW)
  for (const chunks of [9, 10, 8]) {
    expect(block.indexingList.report('alpha', run, 'processing', { ...WORKFLOW, chunks }).shown).toBe(true)
    expect(block.indexingList.get('alpha')?.chunks).toBe(chunks)
  }
})

test('[B13] progress is told with the status; a later word wins, also when it is less, and the one before is pruned', () => {
  const { doc, block } = docWithBlock()
  const run = block.indexingList.startRun('alpha', WORKFLOW)
  for (const told of [{ progress: 0.5 }, { progress: 7, total: 10 }, { progress: 3, total: 10 }]) {
    expect(block.indexingList.report('alpha', run, 'processing', { ...WORKFLOW, ...told }).shown).toBe(true)
    const { progress, total } = block.indexingList.get('alpha') ?? {}
    expect({ progress, ...(total !== undefined && { total }) }).toEqual(told)
  }
  block.indexingList.report('alpha', run, 'done', { ...WORKFLOW, chunks: 10 })
  expect(block.indexingList.get('alpha')).not.toHaveProperty('progress')
  expect(doc.getMap('blocks').toJSON()).toMatchObject({ b1: { indexingList: [{ status: 'done' }] } })
})

test('[B14] a removal takes what the remover sees; a late local report does not bring it back, a concurrent claim does', () => {
  const { doc, block } = docWithBlock()
  const run = block.indexingList.startRun('alpha', WORKFLOW)
  const other = forkDoc(doc)
  expect([block.indexingList.remove('alpha'), block.indexingList.remove('alpha')]).toEqual([true, false])
  expect(block.indexingList.report('alpha', run, 'done', WORKFLOW)).toEqual({
    recorded: false,
    shown: false,
    entry: undefined,
  })
  expect(block.indexingList.entries()).toEqual([])
  getBlock(other, 'b1')?.indexingList.report('alpha', run, 'done', WORKFLOW)
  syncAll(doc, other)
  expect(block.indexingList.get('alpha')?.status).toBe('done')
  block.indexingList.remove('alpha')
  expect(block.indexingList.startRun('alpha', USER).no).toBe(2)
})

test('[B15] a wrong argument is refused by the name of its field and nothing is written', () => {
  const { doc, block } = docWithBlock()
  const list = block.indexingList
  const run = list.startRun('alpha', WORKFLOW)
  const before = Y.encodeStateAsUpdate(doc)
  const cases: [string, () => unknown][] = [
    ['indexName', () => list.startRun('', USER)],
    ['source', () => list.startRun('a', { ...USER, source: 'nobody' as 'user_action' })],
    ['actor', () => list.startRun('a', { ...USER, actor: '' })],
    ['at', () => list.startRun('a', { ...USER, at: Number.NaN })],
    ['collectionConfigs', () => list.startRun('a', { ...USER, collectionConfigs: { big: 'x'.repeat(20_000) } })],
    // A date is no JSON: other replicas would read `{}`.
    ['collectionConfigs', () => list.startRun('a', { ...USER, collectionConfigs: { since: new Date() as never } })],
    ['options', () => list.startRun('a', undefined as never)],
    ['options', () => list.report('alpha', run, 'done', null as never)],
    ['options', () => createBlock(doc, 'b2', undefined as never)],
    ['run.no', () => list.report('alpha', { ...run, no: 0 }, 'done', USER)],
    ['status', () => list.report('alpha', run, 'lost' as 'done', USER)],
    ['chunks', () => list.report('alpha', run, 'done', { ...USER, chunks: -1 })],
    ['progress', () => list.report('alpha', run, 'processing', { ...USER, progress: -0.1 })],
    ['progress', () => list.report('alpha', run, 'processing', { ...USER, progress: Number.NaN })],
    ['total', () => list.report('alpha', run, 'processing', { ...USER, total: 3 })],
    ['total', () => list.report('alpha', run, 'processing', { ...USER, progress: 4, total: 3 })],
    ['total', () => list.report('alpha', run, 'processing', { ...USER, progress: 0, total: 0 })],
    // @ts-expect-error an error text goes with the status error alone
    ['error', () => list.report('alpha', run, 'done', { ...USER, error: 'no' })],
  ]
  for (const [field, call] of cases)
    expect(call, field).toThrow(expect.objectContaining({ code: 'bad_argument', field }))
  expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
})

test('[B16] entries is the same object until something changes, and a status re-reads its own block alone', () => {
  const doc = new Y.Doc()
  const blocks = Array.from({ length: 50 }, (_, i) => createBlock(doc, `b${i}`, { type: 'text' }))
  const runs = blocks.map((block) => block.indexingList.startRun('alpha', WORKFLOW))
  const before = blocks.map((block) => block.indexingList.entries())
  const walks = vi.spyOn(Y.Array.prototype, Symbol.iterator)
  expect(blocks.map((block) => block.indexingList.entries()).every((entries, i) => entries === before[i])).toBe(true)
  blocks[1]?.content.insert(0, 'typing')
  blocks[1]?.indexingList.entries()
  expect(walks).toHaveBeenCalledTimes(0)
  const run = runs[0]
  if (run !== undefined) blocks[0]?.indexingList.report('alpha', run, 'done', WORKFLOW)
  walks.mockClear()
  const after = blocks.map((block) => block.indexingList.entries())
  expect(walks).toHaveBeenCalledTimes(1)
  walks.mockRestore()
  expect(after.filter((entries, i) => entries !== before[i])).toHaveLength(1)
  expect(Object.isFrozen(after[0]) && Object.isFrozen(after[0]?.[0]?.run)).toBe(true)
})

test('[B16] entries read inside an open transaction show what it has written', () => {
  const { doc, block } = docWithBlock()
  block.indexingList.entries()
  doc.transact(() => {
    const run = block.indexingList.startRun('alpha', WORKFLOW)
    expect(block.indexingList.get('alpha')?.status).toBe('processing')
    block.indexingList.report('alpha', run, 'done', WORKFLOW)
    expect(block.indexingList.get('alpha')?.status).toBe('done')
  })
  expect(block.indexingList.get('alpha')?.status).toBe('done')
})

test('[B16] a block made in a transaction reads its own writes in it, and shows them afterwards', () => {
  const doc = new Y.Doc()
  const seen: number[] = []
  const block = doc.transact(() => {
    const made = createBlock(doc, 'b1', { type: 'text' })
    const look = (): void => void seen.push(made.indexingList.entries().length + made.fields.entries().length)
    look()
    made.indexingList.startRun('alpha', USER)
    look()
    made.fields.set('title', 'one', USER)
    look()
    return made
  })
  expect(seen).toEqual([0, 1, 2])
  expect([block.indexingList.entries().length, block.fields.entries().length]).toEqual([1, 1])
})

test('[B17] observe tells once per transaction, local or remote, what changed and whose claim lost by which rule', () => {
  const { doc, block } = docWithBlock()
  const run = block.indexingList.startRun('alpha', WORKFLOW)
  const other = forkDoc(doc)
  const seen: IndexingChange[] = []
  const stop = block.indexingList.observe((change) => seen.push(change))
  block.indexingList.report('alpha', run, 'done', POLLER)
  getBlock(other, 'b1')?.indexingList.report('alpha', run, 'error', WORKFLOW)
  getBlock(other, 'b1')?.indexingList.startRun('beta', WORKFLOW)
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(other))
  expect(seen).toHaveLength(2)
  expect(seen[0]?.changes).toMatchObject([
    { kind: 'updated', key: 'alpha', before: { status: 'processing' }, entry: { status: 'done' }, rule: 4 },
  ])
  expect(seen[1]?.changes).toMatchObject([
    { kind: 'updated', key: 'alpha', rule: 5 },
    { kind: 'added', key: 'beta' },
  ])
  expect(seen[1]?.conflicts).toMatchObject([
    { winner: { status: 'error' }, loser: { status: 'done', actor: 'poller' }, rule: 5 },
  ])
  block.content.insert(0, 'typing is no change of the list')
  pruneBeaten(doc)
  expect(seen).toHaveLength(2)
  block.indexingList.remove('beta')
  expect(seen[2]?.changes).toMatchObject([{ kind: 'removed', key: 'beta' }])
  stop()
  block.indexingList.remove('alpha')
  expect(seen).toHaveLength(3)
})

test('[B17] observe names no rule when a greater claim was removed and one beneath it comes to show', () => {
  const { doc, block } = docWithBlock()
  const [remover, worker] = [forkDoc(doc), forkDoc(doc)]
  block.indexingList.startRun('alpha', USER)
  Y.applyUpdate(remover, Y.encodeStateAsUpdate(doc))
  getBlock(worker, 'b1')?.indexingList.startRun('alpha', WORKFLOW)
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(worker))
  const seen: IndexingChange[] = []
  block.indexingList.observe((change) => seen.push(change))
  getBlock(remover, 'b1')?.indexingList.remove('alpha')
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(remover))
  expect(seen.flatMap(({ changes }) => changes)).toEqual([
    {
      kind: 'updated',
      key: 'alpha',
      before: expect.objectContaining(USER),
      entry: expect.objectContaining(WORKFLOW),
      rule: undefined,
    },
  ])
})

test('[M8] junk and legacy entries of stock clients never break a reader, and junk is reported', () => {
  const { block } = docWithBlock()
  const list = block.map.get('indexingList')
  if (!(list instanceof Y.Array)) throw new Error('no list')
  list.push([
    null,
    1,
    'x',
    {},
    { index_name: 'a', status: 'unheard of' },
    { index_name: 'a', status: 'done', run: 5 },
    new Y.Text('y'),
  ])
  list.push([
    { index_name: 'legacy', status: 'error', timestamp: 12 },
    new Y.Map([
      ['index_name', 'map'],
      ['status', 'done'],
    ]),
  ])
  expect(block.indexingList.entries()).toMatchObject([
    { index_name: 'legacy', status: 'error', run: { no: 0, source: 'polling_sync' }, source: 'polling_sync', at: 12 },
    { index_name: 'map', status: 'done', run: { no: 0 } },
  ])
  expect(block.indexingList.junk().map(({ index, reason }) => [index, reason])).toEqual([
    [0, 'not an object'],
    [1, 'not an object'],
    [2, 'not an object'],
    [3, 'index_name'],
    [4, 'status'],
    [5, 'run'],
    [6, 'not an object'],
  ])
  expect(block.indexingList.startRun('legacy', POLLER).no).toBe(1)
  expect(block.indexingList.get('legacy')?.status).toBe('processing')
})

test('[M7] ten writers taking turns leave one live claim and less than 4 bytes per superseded status', () => {
  const docs = Array.from({ length: 10 }, () => new Y.Doc())
  for (const doc of docs) {
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'network') for (const other of docs) if (other !== doc) Y.applyUpdate(other, update, 'network')
    })
  }
  const blocks = docs.map((doc) => createBlock(doc, 'b1', { type: 'text' }))
  const turns = (count: number): void => {
    for (let i = 0; i < count; i++)
      blocks[i % blocks.length]?.indexingList.startRun('alpha', { ...WORKFLOW, actor: `w${i % 10}` })
  }
  const size = (): number => Y.encodeStateAsUpdate(docs[0] ?? new Y.Doc()).length
  turns(20)
  const before = size()
  turns(300)
  expect((size() - before) / 300).toBeLessThan(4)
  expect(blocks[0]?.map.get('indexingList')).toHaveLength(1)
})

test('[B63] startRun refuses names that no URL can name, and those of older documents are reported on and removed', () => {
  const { doc, block } = docWithBlock()
  for (const name of ['.', '..']) {
    const refused = (field: string) => expect.objectContaining({ code: 'bad_argument', field })
    expect(() => block.indexingList.startRun(name, USER)).toThrow(refused('indexName'))
    expect(() => block.indexingList.startRun('alpha', { ...USER, runId: name })).toThrow(refused('runId'))
    const run = { no: 1, id: name, source: USER.source }
    const claim = { index_name: name, run, status: 'processing', ...USER, at: 1 }
    ;(block.map.get('indexingList') as Y.Array<unknown>).push([claim])
    expect(block.indexingList.report(name, run, 'done', USER).shown).toBe(true)
    const past = block.indexingList.toJSON()
    expect(block.indexingList.remove(name)).toBe(true)
    restoreClaims(block, indexingClaims, past, USER)
    expect(block.indexingList.get(name)?.status).toBe('done')
    block.indexingList.remove(name)
  }
  expect(doc.getMap('blocks').size).toBe(1)
})
