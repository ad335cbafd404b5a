import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { encodeSkeleton, skeletonClientId } from '../block-skeleton.ts'
import {
  type Block,
  type BlocksWriter,
  clientOwners,
  createBlock,
  deleteBlock,
  documentRules,
  forkDoc,
  getBlock,
  type Observed,
  undoScope,
} from '../index.ts'
import { gcUpdate, USER, WORKFLOW } from '../test-docs.ts'
import { isPlainTyping } from './typing-scan.ts'

const ADA: BlocksWriter = { actor: 'ada', source: 'user_action', sources: ['user_action'], isAuthenticated: true }
const BOB: BlocksWriter = { ...ADA, actor: 'bob' }
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

/** A server's document and one client's, each update of the client inspected and, if allowed, applied. */
function serverAnd(writer: BlocksWriter, server = new Y.Doc()) {
  const doc = forkDoc(server)
  const codes: (string | undefined)[] = []
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === 'server') return
    const before = Y.encodeStateAsUpdate(server)
    const refusal = documentRules.inspect(server, update, writer)
    expect(Y.encodeStateAsUpdate(server)).toEqual(before)
    codes.push(refusal?.code)
    if (refusal === undefined) Y.applyUpdate(server, update)
  })
  return { server, doc, codes }
}

function blockOf(doc: Y.Doc): Block {
  return getBlock(doc, 'b1') ?? createBlock(doc, 'b1', { type: 'text' })
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
  // All of it again in one update, as after a time offline.
  const fresh = new Y.Doc()
  expect(documentRules.inspect(fresh, Y.encodeStateAsUpdate(doc), ADA)).toBeUndefined()
  expect(documentRules.inspect(server, Y.encodeStateAsUpdate(doc), BOB)).toBeUndefined()
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
  // A late report on a run that newer ones have replaced is let in: it can't be shown.
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
    return documentRules.inspect(server, Y.encodeStateAsUpdate(client, arrived), POLL)?.code
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

test("[B34] anything else under a skeleton's client id is refused, and the true skeleton still comes in", () => {
  const skeleton = { kind: 'block', blockId: 'victim', incarnation: 0, follows: undefined } as const
  const forged = new Y.Doc()
  forged.clientID = skeletonClientId(skeleton)
  forged.getMap('blocks').set('victim', new Y.Map([['id', 'other']]))
  const server = new Y.Doc()
  expect(documentRules.inspect(server, Y.encodeStateAsUpdate(forged), ADA)?.code).toBe('forged_skeleton')
  expect(documentRules.inspect(server, gcUpdate(skeletonClientId(skeleton), 0, 6), ADA)?.code).toBe('forged_skeleton')
  expect(documentRules.inspect(server, encodeSkeleton(skeleton), ADA)).toBeUndefined()
  Y.applyUpdate(server, encodeSkeleton(skeleton))
  expect(documentRules.inspect(server, encodeSkeleton(skeleton), BOB)).toBeUndefined()
  expect(documentRules.inspect(server, gcUpdate(skeletonClientId(skeleton), 6, 1), ADA)?.code).toBe('forged_skeleton')
})

test("[B35] new structs under another principal's client id are refused, online and offline victim alike", () => {
  const { server, doc } = serverAnd(ADA)
  blockOf(doc).content.insert(0, 'mine')
  const clock = Y.getState(doc.store, doc.clientID)
  expect(documentRules.inspect(server, gcUpdate(doc.clientID, clock, 5), BOB)?.code).toBe('client_id_owned')
  const thief = forkDoc(server)
  thief.clientID = doc.clientID
  const stolen: Uint8Array[] = []
  thief.on('update', (update: Uint8Array) => stolen.push(update))
  blockOf(thief).content.insert(2, 'stolen')
  expect(stolen.map((update) => documentRules.inspect(server, update, BOB)?.code)).toEqual(['client_id_owned'])
  blockOf(doc).content.insert(4, ' still')
  expect(blockOf(server).text).toBe('mine still')
  // After a restart the log's records say who owned what.
  const restarted = new Y.Doc()
  const record = Y.encodeStateAsUpdate(server)
  documentRules.recordAuthor(restarted, record, 'ada')
  Y.applyUpdate(restarted, record)
  expect(clientOwners(restarted).ownerOf(doc.clientID)).toBe('ada')
  expect(documentRules.inspect(restarted, gcUpdate(doc.clientID, clock + 6, 5), BOB)?.code).toBe('client_id_owned')
})

test('[B35] a client id stays free for its writer when somebody else brings its first edits back, also over a restart', () => {
  const doc = new Y.Doc()
  const block = createBlock(doc, 'b1', { type: 'text' })
  const skeleton = Y.encodeStateAsUpdate(doc)
  block.content.insert(0, 'lost')
  const lost = Y.encodeStateAsUpdate(doc)
  const [server, restarted] = [new Y.Doc(), new Y.Doc()]
  Y.applyUpdate(server, skeleton)
  expect(documentRules.inspect(server, lost, { ...BOB, mayRelay: true })).toBeUndefined()
  Y.applyUpdate(server, lost)
  expect(clientOwners(server).ownerOf(doc.clientID)).toBeUndefined()
  const before = Y.encodeStateVector(doc)
  blockOf(doc).content.insert(4, ' and found')
  const found = Y.encodeStateAsUpdate(doc, before)
  expect(documentRules.inspect(server, found, ADA)).toBeUndefined()
  for (const [update, actor] of [
    [lost, 'bob'],
    [found, 'ada'],
  ] as const) {
    documentRules.recordAuthor(restarted, update, actor)
    Y.applyUpdate(restarted, update)
  }
  for (const one of [server, restarted]) expect(clientOwners(one).ownerOf(doc.clientID)).toBe('ada')
})

test('[B35] of an answer only what others own is withheld, while it may relay or that waits already; all else stays', () => {
  const [server, doc] = [new Y.Doc(), new Y.Doc()]
  const block = createBlock(doc, 'b1', { type: 'text' })
  Y.applyUpdate(server, Y.encodeStateAsUpdate(doc))
  const seen = Y.encodeStateVector(server)
  block.content.insert(0, 'mine')
  const first = Y.encodeStateAsUpdate(doc, seen)
  expect(documentRules.inspect(server, first, ADA)).toBeUndefined()
  Y.applyUpdate(server, first)
  const both = forkDoc(doc)
  blockOf(doc).content.insert(4, ' lost')
  Y.applyUpdate(both, Y.encodeStateAsUpdate(doc))
  blockOf(both).content.insert(0, 'bob: ')
  const answer = Y.encodeStateAsUpdate(both, Y.encodeStateVector(server))
  expect(documentRules.withhold(server, answer, BOB)).toBe(answer)
  expect(documentRules.inspect(server, answer, BOB)?.code).toBe('client_id_owned')
  const relay = { ...BOB, mayRelay: true }
  const rest = documentRules.withhold(server, answer, relay)
  expect([...Y.parseUpdateMeta(rest).to.keys()]).toEqual([both.clientID])
  expect(documentRules.inspect(server, rest, relay)).toBeUndefined()
  expect(documentRules.withhold(server, rest, relay)).toBe(rest)
  expect(documentRules.withhold(server, answer, { ...relay, actor: 'ada' })).toBe(answer)
  expect(documentRules.withhold(server, answer, { ...relay, isAuthenticated: false })).toBe(answer)

  // Others hand on what waits here for what it builds on: they need not be told that it is not theirs.
  Y.applyUpdate(server, rest)
  const before = Y.encodeStateVector(doc)
  blockOf(doc).content.insert(9, '!')
  Y.applyUpdate(server, Y.encodeStateAsUpdate(doc, before))
  expect(server.store.pendingStructs).not.toBeNull()
  const carol: BlocksWriter = { ...ADA, actor: 'carol' }
  const newcomer = forkDoc(server)
  const handedOn = Y.encodeStateAsUpdate(newcomer, Y.encodeStateVector(server))
  expect(documentRules.inspect(server, documentRules.withhold(server, handedOn, carol), carol)).toBeUndefined()
})

test('[B43] who owns a client id is known from what was kept beside a snapshot, in few bytes', () => {
  const { server, doc } = serverAnd(ADA)
  blockOf(doc).content.insert(0, 'mine')
  const clock = Y.getState(doc.store, doc.clientID)
  for (let client = 0; client < 10_000; client++) clientOwners(server).bind(2 ** 31 + client, `actor ${client % 10}`)
  const authors = documentRules.encodeAuthors(server)
  expect(authors.length).toBeLessThan(80_000)
  const restarted = new Y.Doc()
  documentRules.restoreAuthors(restarted, authors)
  Y.applyUpdate(restarted, Y.encodeStateAsUpdate(server))
  expect(clientOwners(restarted).ownerOf(2 ** 31 + 7)).toBe('actor 7')
  expect(documentRules.inspect(restarted, gcUpdate(doc.clientID, clock, 5), BOB)?.code).toBe('client_id_owned')
  expect(documentRules.encodeAuthors(restarted)).toEqual(authors)
  for (const bytes of [authors.subarray(0, authors.length - 3), Uint8Array.of(9), Uint8Array.of(1, 0, 1, 5, 0)]) {
    expect(() => documentRules.restoreAuthors(new Y.Doc(), bytes)).toThrow()
  }
})

test('[B39] touched names blocks, their fields, edges and other roots', () => {
  const doc = new Y.Doc()
  const paths: string[][] = []
  doc.on('afterTransaction', (transaction: Y.Transaction) => paths.push(documentRules.touched(transaction)))
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

test('[B41] the server is told what is shown differently and whose claim lost, and prunes where an update touched claims', () => {
  const { server, doc: jobDoc } = serverAnd(JOB)
  const run = blockOf(jobDoc).indexingList.startRun('alpha', WORKFLOW)
  const seen: Observed[] = []
  const stop = documentRules.observe(server, (observed) => seen.push(observed))
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
  documentRules.prune(server, ['b1', 'b1/content', 'edges/e1'])
  expect(list).toHaveLength(2)
  documentRules.prune(server, ['b1/indexingList'])
  expect(list).toHaveLength(1)
  expect(seen).toHaveLength(2)
  stop()
})
