import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  type Block,
  type BlocksWriter,
  createBlock,
  deleteBlock,
  forkDoc,
  getBlock,
  type Observed,
  touchedPaths,
  undoScope,
} from '../index.ts'
import { ADA, BOB, blockOf, rulesOf, serverAnd } from '../testing/rules-fixture.ts'
import { USER, WORKFLOW } from '../testing/test-docs.ts'
import { isPlainTyping } from './typing-scan.ts'

const JOB: BlocksWriter = {
  actor: 'workflow-7',
  source: 'workflow_execution',
  sources: ['workflow_execution'],
  isAuthenticated: true,
}
const POLL: BlocksWriter = { actor: 'poller', source: 'polling_sync', sources: ['polling_sync'], isAuthenticated: true }
const DEVELOPMENT: BlocksWriter = {
  actor: 'anonymous',
  source: 'user_action',
  sources: undefined,
  isAuthenticated: false,
}

test('[B30] typing, deleting, statuses, fields, undo and stock blocks by honest writers pass', () => {
  const { server, doc, codes } = serverAnd(ADA)
  const block = createBlock(doc, 'b1', { type: 'text' })
  const { scope, options } = undoScope(doc)
  const undo = new Y.UndoManager(scope, {
    ...options,
    captureTimeout: 0,
  })
  block.content.insert(0, 'héllo 😀')
  block.content.delete(1, 2)
  block.content.format(0, 2, { bold: true })
  const run = block.indexingList.startRun('alpha', USER)
  block.indexingList.report('alpha', run, 'error', { ...USER, error: 'x' })
  block.fields.set('title', 'one', USER)
  undo.undo()
  undo.redo()
  deleteBlock(doc, 'b1')
  undo.undo()
  createBlock(doc, 'b2', { type: 'text' })
  deleteBlock(doc, 'b2')
  createBlock(doc, 'b2', { type: 'text' })
  doc.getMap('blocks').set('bare', new Y.Map())
  getBlock(doc, 'bare')?.content.insert(0, 'x')
  getBlock(doc, 'bare')?.indexingList.startRun('alpha', USER)
  getBlock(doc, 'bare')?.map.set('indexingList', [{ index_name: 'a', status: 'done', timestamp: 1 }])
  getBlock(doc, 'bare')?.indexingList.startRun('beta', USER)
  doc.getArray('other').push([1, 'two', { three: [3] }, new Uint8Array(3)])
  doc.getText('t').insertEmbed(0, { image: 'x' })
  doc.getXmlFragment('xml').insert(0, [new Y.XmlElement('p')])
  expect(codes.filter((code) => code !== undefined)).toEqual([])
  expect(getBlock(server, 'b1')?.toJSON()).toEqual(getBlock(doc, 'b1')?.toJSON())
  // The same edits once more in one update, as after a time offline.
  const fresh = new Y.Doc()
  expect(rulesOf(fresh).inspect(Y.encodeStateAsUpdate(doc), ADA)).toBeUndefined()
  expect(rulesOf(server).inspect(Y.encodeStateAsUpdate(doc), BOB)).toBeUndefined()
})

test('[B30] a keystroke is known as plain typing from its bytes, and anything else is not', () => {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const isTyping = (act: () => unknown): boolean => {
    const before = forkDoc(doc)
    updates.length = 0
    act()
    const [update] = updates
    return update !== undefined && isPlainTyping(before, update, undefined, 'ada')
  }
  const block = createBlock(doc, 'b1', { type: 'text' })
  expect(isTyping(() => block.content.insert(0, 'first'))).toBe(false)
  expect(isTyping(() => block.content.insert(5, 'é'))).toBe(true)
  expect(isTyping(() => block.content.insert(2, 'in the middle'))).toBe(true)
  expect(isTyping(() => block.content.delete(1, 3))).toBe(true)
  expect(isTyping(() => block.indexingList.startRun('alpha', USER))).toBe(false)
  expect(isTyping(() => block.fields.set('k', 1, USER))).toBe(false)
  expect(isTyping(() => block.data.set('k', new Y.Map()))).toBe(false)
})

test('[B31] a claim in the name of another actor or for a source the writer may not use is refused', () => {
  for (const [claim, code] of [
    [WORKFLOW, 'forbidden_actor'],
    [{ ...WORKFLOW, actor: 'ada' }, 'forbidden_source'],
    [USER, undefined],
  ] as const) {
    const { doc, codes } = serverAnd(ADA)
    blockOf(doc).indexingList.startRun('alpha', claim)
    expect(codes.at(-1)).toBe(code)
    const fields = serverAnd(ADA)
    blockOf(fields.doc).fields.set('title', 1, claim)
    expect(fields.codes.at(-1)).toBe(code)
  }
  const development = serverAnd(DEVELOPMENT)
  blockOf(development.doc).indexingList.startRun('alpha', WORKFLOW)
  expect(development.codes.every((code) => code === undefined)).toBe(true)
})

test('[B31] a forged claim in a plain array, a JSON embed or a block made in the same update is refused too', () => {
  const claim = {
    index_name: 'a',
    run: { no: 1, id: 'r', source: 'user_action' },
    status: 'done',
    source: 'user_action',
    actor: 'eve',
    at: 1,
  }
  const attempts: ((doc: Y.Doc) => unknown)[] = [
    (doc) => blockOf(doc).map.set('indexingList', [claim]),
    (doc) => doc.getMap('blocks').set('new', new Y.Map([['indexingList', Y.Array.from([claim])]])),
    (doc) =>
      doc.transact(() =>
        (createBlock(doc, 'b9', { type: 't' }).map.get('indexingList') as Y.Array<unknown>).push([claim]),
      ),
  ]
  for (const attempt of attempts) {
    const { doc, codes } = serverAnd(ADA)
    attempt(doc)
    expect(codes).toContain('forbidden_actor')
  }
})

test('[B32] what has the shape of a claim must be one; junk and legacy entries pass', () => {
  const push = (value: unknown): string | undefined => {
    const { doc, codes } = serverAnd(ADA)
    const list = blockOf(doc).map.get('indexingList') as Y.Array<unknown>
    list.push([value])
    return codes.at(-1)
  }
  const run = { no: 1, id: 'r', source: 'user_action' }
  expect(push({ index_name: 'a', run, status: 'lost', source: 'user_action', actor: 'ada', at: 1 })).toBe('bad_claim')
  expect(
    push({
      index_name: 'a',
      run: { ...run, no: 2_000_000 },
      status: 'done',
      source: 'user_action',
      actor: 'ada',
      at: 1,
    }),
  ).toBe('bad_claim')
  expect([push('junk'), push({ index_name: 'a', status: 'done', timestamp: 3 }), push({ any: 'thing' })]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test("[B33] reporting on another's run passes; making one up, or changing what a run is, does not", () => {
  const { server, doc: jobDoc } = serverAnd(JOB)
  const run = blockOf(jobDoc).indexingList.startRun('alpha', WORKFLOW)
  const poll = serverAnd(POLL, server)
  const author = { source: 'polling_sync', actor: 'poller' } as const
  const { indexingList } = blockOf(poll.doc)
  indexingList.report('alpha', run, 'done', author)
  expect(poll.codes).toEqual([undefined])
  indexingList.report('alpha', { ...run, source: 'user_action' }, 'done', author)
  indexingList.report('alpha', { no: 7, id: 'made up', source: 'user_action' }, 'done', author)
  expect(poll.codes.slice(1)).toEqual(['foreign_run', 'foreign_run'])
  // A late report on a run that newer runs have replaced passes: it can't show.
  jobDoc.transact(() => undefined)
  blockOf(jobDoc).indexingList.report('alpha', run, 'error', WORKFLOW)
  blockOf(jobDoc).indexingList.startRun('alpha', WORKFLOW)
  const late = serverAnd(POLL, server)
  blockOf(late.doc).indexingList.report('alpha', run, 'done', author)
  expect(late.codes).toEqual([undefined])
})

test('[B31, B33] a claim that comes before what it builds on is judged as in every place it may come to stand', () => {
  const { server, doc } = serverAnd(JOB)
  const run = blockOf(doc).indexingList.startRun('alpha', WORKFLOW)
  const author = { source: 'polling_sync', actor: 'poller' } as const
  const ahead = (edit: (block: Block) => void): string | undefined => {
    const client = forkDoc(server)
    const { indexingList } = blockOf(client)
    indexingList.report('beta', indexingList.startRun('beta', author), 'done', author)
    const arrived = Y.encodeStateVector(client)
    edit(blockOf(client))
    return rulesOf(server).inspect(Y.encodeStateAsUpdate(client, arrived), POLL)?.code
  }
  expect(ahead(({ indexingList }) => indexingList.report('alpha', run, 'done', author))).toBeUndefined()
  expect(
    ahead(({ indexingList }) => indexingList.report('alpha', { ...run, source: 'user_action' }, 'done', author)),
  ).toBe('foreign_run')
  expect(
    ahead(({ indexingList }) =>
      indexingList.report('alpha', { no: 2, id: 'made up', source: 'user_action' }, 'done', author),
    ),
  ).toBe('foreign_run')
  expect(ahead(({ indexingList }) => indexingList.report('alpha', run, 'done', WORKFLOW))).toBe('forbidden_actor')
})

test('[B39] touched names blocks, their fields, edges and other roots', () => {
  const doc = new Y.Doc()
  const paths: string[][] = []
  doc.on('afterTransaction', (transaction: Y.Transaction) => paths.push(touchedPaths(transaction)))
  const block = createBlock(doc, 'b1', { type: 'text' })
  block.content.insert(0, 'x')
  block.indexingList.startRun('alpha', USER)
  block.setType('other')
  block.data.set('deep', new Y.Map())
  ;(block.data.get('deep') as Y.Map<unknown>).set('k', 1)
  doc.getMap('edges').set('e1', { source: 'a', target: 'b' })
  doc.getText('notes').insert(0, 'x')
  deleteBlock(doc, 'b1')
  doc.transact(() => createBlock(doc, 'b2', { type: 'text' }).content.insert(0, 'filled'))
  expect(paths).toEqual([
    ['b1'],
    ['b1/content'],
    ['b1/indexingList'],
    ['b1/type'],
    ['b1/data'],
    ['b1/data'],
    ['edges/e1'],
    ['notes'],
    ['b1'],
    ['b2', 'b2/content'],
  ])
})

test("[B40] undo may bring back what another writer's claims said here, word for word, and nothing they didn't say", () => {
  const { server, doc: jobDoc } = serverAnd(JOB)
  blockOf(jobDoc).indexingList.startRun('alpha', WORKFLOW)
  blockOf(jobDoc).fields.set('title', 'the job said this', WORKFLOW)
  const ada = serverAnd(ADA, server)
  const { scope, options } = undoScope(ada.doc)
  const undo = new Y.UndoManager(scope, {
    ...options,
    captureTimeout: 0,
  })
  blockOf(ada.doc).fields.set('title', 'ada says that', USER)
  undo.undo()
  deleteBlock(ada.doc, 'b1')
  undo.undo()
  expect(ada.codes.every((code) => code === undefined)).toBe(true)
  expect(blockOf(server).toJSON()).toMatchObject({
    fields: { title: 'the job said this' },
    indexingList: [{ actor: 'workflow-7' }],
  })
  blockOf(ada.doc).fields.set('title', 'the job never said this', WORKFLOW)
  expect(ada.codes.at(-1)).toBe('forbidden_actor')
})

test('[B40] undo may bring back what stood when the server had only just loaded the document', () => {
  const { server: before, doc: jobDoc } = serverAnd(JOB)
  blockOf(jobDoc).indexingList.startRun('alpha', WORKFLOW)
  const ada = serverAnd(ADA, forkDoc(before))
  blockOf(ada.doc).content.insert(0, 'text')
  const loaded = serverAnd(ADA, forkDoc(ada.server))
  const { scope, options } = undoScope(loaded.doc)
  const undo = new Y.UndoManager(scope, { ...options, captureTimeout: 0 })
  // The first update after the load is only a deletion, which gets no full inspection.
  deleteBlock(loaded.doc, 'b1')
  undo.undo()
  expect(loaded.codes).toEqual([undefined, undefined])
  expect(blockOf(loaded.server).indexingList.get('alpha')?.actor).toBe('workflow-7')
})

test('[B41] the server is told what is shown differently and whose claim lost, and prunes where an update touched claims', () => {
  const { server, doc: jobDoc } = serverAnd(JOB)
  const run = blockOf(jobDoc).indexingList.startRun('alpha', WORKFLOW)
  const seen: Observed[] = []
  const stop = rulesOf(server).observe((observed) => seen.push(observed))
  const poll = serverAnd(POLL, server)
  blockOf(jobDoc).indexingList.report('alpha', run, 'error', WORKFLOW)
  blockOf(poll.doc).indexingList.report('alpha', run, 'done', { source: 'polling_sync', actor: 'poller' })
  blockOf(poll.doc).content.insert(0, 'typing is not told')
  expect(seen).toMatchObject([
    {
      changes: [
        { block: 'b1', field: 'indexingList/alpha', before: { status: 'processing' }, after: { status: 'error' } },
      ],
      conflicts: [],
    },
    {
      changes: [],
      conflicts: [
        { block: 'b1', field: 'indexingList/alpha', winner: { status: 'error' }, loser: { actor: 'poller' } },
      ],
    },
  ])
  expect(seen[1]?.conflicts[0]?.rule).toContain('the one whose reporter has priority wins')
  const list = blockOf(server).map.get('indexingList')
  rulesOf(server).prune(['b1', 'b1/content', 'edges/e1'])
  expect(list).toHaveLength(2)
  rulesOf(server).prune(['b1/indexingList'])
  expect(list).toHaveLength(1)
  expect(seen).toHaveLength(2)
  stop()
})
