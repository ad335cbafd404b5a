import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  type BlocksChange,
  createBlock,
  deleteBlock,
  forkDoc,
  getBlock,
  observeBlocks,
  PRUNE_ORIGIN,
  pruneBeaten,
  undoScope,
} from './index.ts'
import { docWithBlock, POLLER, syncAll, USER, WORKFLOW } from './testing/test-docs.ts'

test('[B18] observeBlocks tells of blocks added, removed and changed, once per transaction, and never writes', () => {
  const { doc, block } = docWithBlock()
  const other = forkDoc(doc)
  const seen: BlocksChange[] = []
  const stop = observeBlocks(doc, (change) => seen.push(change))
  const away = getBlock(other, 'b1')
  other.transact(() => {
    away?.content.insert(0, 'text')
    away?.indexingList.startRun('alpha', WORKFLOW)
    away?.fields.set('title', 't', USER)
    createBlock(other, 'b2', { type: 'text' })
  })
  const before = Y.encodeStateVector(other)
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(other))
  expect(Y.encodeStateVector(doc)).toEqual(before)
  expect(seen).toHaveLength(1)
  expect(seen[0]).toMatchObject({
    added: ['b2'],
    removed: [],
    changed: [{ id: 'b1', indexing: { changes: [{ kind: 'added' }] }, fields: { changes: [{ key: 'title' }] } }],
  })
  expect(seen[0]?.changed[0]?.parts).toEqual(new Set(['content', 'indexingList', 'fields']))
  deleteBlock(doc, 'b1')
  expect(seen[1]).toEqual({ added: [], removed: ['b1'], changed: [] })
  stop()
  createBlock(doc, 'b1', { type: 'text' })
  expect([seen.length, block.isLive]).toEqual([2, false])
})

test('[B18] observeBlocks tells what comes into lists that were empty when it began, and what leaves them', () => {
  const { doc, block } = docWithBlock()
  createBlock(doc, 'b2', { type: 'text' }).fields.set('title', 'one', USER)
  const seen: BlocksChange[] = []
  observeBlocks(doc, (change) => seen.push(change))
  block.content.insert(0, 'text')
  expect(seen[0]?.changed[0]?.claims).toEqual([])
  block.indexingList.startRun('alpha', WORKFLOW)
  block.indexingList.remove('alpha')
  block.indexingList.startRun('alpha', WORKFLOW)
  getBlock(doc, 'b2')?.fields.remove('title')
  const kinds = seen.slice(1).map(({ changed }) => changed[0]?.claims[0]?.change.changes.map(({ kind }) => kind))
  expect(kinds).toEqual([['added'], ['removed'], ['added'], ['removed']])
  // The number goes on after the removal: this replica has seen the first run.
  expect(block.indexingList.get('alpha')?.run.no).toBe(2)
})

test('[B18] a listener that throws does not silence the others and is heard', () => {
  const { doc, block } = docWithBlock()
  let heard = 0
  observeBlocks(doc, () => {
    throw new Error('broken listener')
  })
  observeBlocks(doc, () => (heard += 1))
  expect(() => block.content.insert(0, 'x')).toThrow('broken listener')
  expect(heard).toBe(1)
})

test('[B19] pruneBeaten deletes the claims of the dead in one transaction of its own origin, shows the same, and then has nothing to do', () => {
  const { doc, block } = docWithBlock()
  const run = block.indexingList.startRun('alpha', WORKFLOW)
  const dead = [forkDoc(doc), forkDoc(doc)]
  for (const fork of dead) getBlock(fork, 'b1')?.indexingList.report('alpha', run, 'done', POLLER)
  block.indexingList.report('alpha', run, 'error', WORKFLOW)
  for (const fork of dead) Y.applyUpdate(doc, Y.encodeStateAsUpdate(fork))
  const list = block.map.get('indexingList') as Y.Array<unknown>
  list.push(['junk'])
  expect(list.length).toBe(4)
  const shown = block.indexingList.entries()
  const origins: unknown[] = []
  doc.on('afterTransaction', (transaction: Y.Transaction) => origins.push(transaction.origin))
  expect(pruneBeaten(doc, ['b1', 'no such block'])).toBe(2)
  expect(block.indexingList.entries()).toEqual(shown)
  expect(list.length).toBe(2)
  expect(pruneBeaten(doc)).toBe(0)
  expect(origins).toEqual([PRUNE_ORIGIN])
})

test('[B20] undo takes back text, fields, blocks and edges, and never a status', () => {
  const { doc, block } = docWithBlock()
  const { scope, options } = undoScope(doc)
  const undo = new Y.UndoManager(scope, {
    ...options,
    captureTimeout: 0,
  })
  block.content.insert(0, 'text')
  const run = block.indexingList.startRun('alpha', WORKFLOW)
  block.fields.set('title', 'one', USER)
  block.fields.set('title', 'two', USER)
  block.indexingList.report('alpha', run, 'done', WORKFLOW)
  undo.undo()
  expect(block.fields.get('title')).toBe('one')
  undo.undo()
  undo.undo()
  expect(block.toJSON()).toMatchObject({ content: '', fields: {}, indexingList: [{ status: 'done' }] })
  expect(undo.undo()).toBeNull()
  for (let i = 0; i < 3; i++) undo.redo()
  expect(block.toJSON()).toMatchObject({
    content: 'text',
    fields: { title: 'two' },
    indexingList: [{ status: 'done' }],
  })
  doc.transact(() => block.indexingList.remove('alpha'))
  undo.undo()
  expect(block.indexingList.entries()).toEqual([])
  deleteBlock(doc, 'b1')
  undo.undo()
  expect(getBlock(doc, 'b1')?.type).toBe('text')
})

test("[B20] undo does not take back the first status of a stock client's block, whose list it brought along", () => {
  const doc = new Y.Doc()
  doc.getMap('blocks').set('s1', new Y.Map([['id', 's1']]))
  const { scope, options } = undoScope(doc)
  const undo = new Y.UndoManager(scope, { ...options, captureTimeout: 0 })
  const block = getBlock(doc, 's1')
  doc.transact(() => block?.indexingList.startRun('alpha', USER))
  undo.undo()
  expect(block?.indexingList.get('alpha')?.status).toBe('processing')
})

test('[B20] undo of a creation takes the statuses that came with it, redo brings both back', () => {
  const doc = new Y.Doc()
  const { scope, options } = undoScope(doc)
  const undo = new Y.UndoManager(scope, { ...options, captureTimeout: 0 })
  doc.transact(() => createBlock(doc, 'b1', { type: 'text' }).indexingList.startRun('alpha', USER))
  undo.undo()
  expect(getBlock(doc, 'b1')).toBeUndefined()
  undo.redo()
  expect(getBlock(doc, 'b1')?.indexingList.get('alpha')?.status).toBe('processing')
})

const statusOf = (raw: unknown): string => (raw as { status: string }).status
const RANK = ['notStarted', 'processing', 'done', 'error']

test('[B25] an observer that writes back loses an error that claims keep, in one of four orders of ids and arrival', () => {
  const outcomes: { plain: string; claims: string | undefined }[] = []
  for (const isErrorIdLower of [true, false]) {
    for (const isErrorFirst of [true, false]) {
      outcomes.push({ plain: plainYjs(isErrorIdLower, isErrorFirst), claims: joinery(isErrorIdLower, isErrorFirst) })
    }
  }
  expect(outcomes.map(({ plain }) => plain).filter((status) => status !== 'error')).toEqual(['done'])
  expect(outcomes.map(({ claims }) => claims)).toEqual(['error', 'error', 'error', 'error'])
})

/** Plain Yjs: one status per key. The server observes, and writes back the status of higher rank. Both writers send once and die. */
function plainYjs(isErrorIdLower: boolean, isErrorFirst: boolean): string {
  const server = new Y.Doc()
  server.clientID = 50
  const statuses = server.getMap('statuses')
  statuses.set('alpha', { status: 'processing' })
  let best = 'processing'
  statuses.observe(() => {
    const now = statusOf(statuses.get('alpha'))
    if (RANK.indexOf(now) >= RANK.indexOf(best)) best = now
    else statuses.set('alpha', { status: best })
  })
  const writer = (status: string, clientID: number): Uint8Array => {
    const doc = forkDoc(server)
    doc.clientID = clientID
    doc.getMap('statuses').set('alpha', { status })
    return Y.encodeStateAsUpdate(doc)
  }
  const error = writer('error', isErrorIdLower ? 10 : 100)
  const done = writer('done', isErrorIdLower ? 100 : 10)
  for (const update of isErrorFirst ? [error, done] : [done, error]) Y.applyUpdate(server, update)
  return statusOf(statuses.get('alpha'))
}

function joinery(isErrorIdLower: boolean, isErrorFirst: boolean): string | undefined {
  const { doc: server, block } = docWithBlock()
  const run = block.indexingList.startRun('alpha', WORKFLOW)
  const writer = (status: 'error' | 'done', clientID: number): Uint8Array => {
    const doc = forkDoc(server)
    doc.clientID = clientID
    getBlock(doc, 'b1')?.indexingList.report('alpha', run, status, WORKFLOW)
    return Y.encodeStateAsUpdate(doc)
  }
  const error = writer('error', isErrorIdLower ? 10 : 100)
  const done = writer('done', isErrorIdLower ? 100 : 10)
  for (const update of isErrorFirst ? [error, done] : [done, error]) Y.applyUpdate(server, update)
  pruneBeaten(server)
  const late = new Y.Doc()
  syncAll(server, late)
  return getBlock(late, 'b1')?.indexingList.get('alpha')?.status
}
