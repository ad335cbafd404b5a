import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { skeletonClientId } from './block-skeleton.ts'
import { documentRules } from './document-rules/document-rules.ts'
import type { BlocksWriter } from './document-rules/refusal.ts'
import { createBlock, deleteBlock, doubledSkeletons, getBlock, moveSkeletons, touchedSkeletons } from './index.ts'

const ADA: BlocksWriter = { actor: 'ada', source: 'user_action', sources: undefined, isAuthenticated: true }
const EVE: BlocksWriter = { ...ADA, actor: 'eve' }

const firstIdOf = (blockId: string, incarnation = 0): number =>
  skeletonClientId({ kind: 'block', blockId, incarnation, follows: undefined })

/** Edits that another writer may have made under a client id. */
const SQUATS: Record<string, (doc: Y.Doc) => unknown> = {
  'one letter': (doc) => doc.getText('t').insert(0, 'x'),
  'a long text': (doc) => doc.getText('t').insert(0, 'squatted by somebody'),
  'as many values as a skeleton has': (doc) => doc.getArray('a').push([1, 2, 3, 4, 5, 6]),
  'a map in an array': (doc) => doc.getArray('a').push([new Y.Map([['id', 'note']])]),
  'the parts of a block at another place': (doc) =>
    doc.getMap('elsewhere').set(
      'x',
      new Y.Map<unknown>([
        ['id', 'note'],
        ['content', new Y.Text()],
        ['indexingList', new Y.Array()],
        ['fields', new Y.Array()],
        ['data', new Y.Map()],
      ]),
    ),
}

function squatted(squat: (doc: Y.Doc) => unknown, ids: readonly number[]): Y.Doc {
  const server = new Y.Doc()
  for (const id of ids) {
    const eve = new Y.Doc()
    eve.clientID = id
    squat(eve)
    Y.applyUpdate(server, Y.encodeStateAsUpdate(eve))
  }
  return server
}

/** The answer of a client to the server's state vector: with the skeletons that its edits stand in. */
function answerOf(doc: Y.Doc, server: Y.Doc): Uint8Array {
  const known = Y.decodeStateVector(Y.encodeStateVector(server))
  for (const client of touchedSkeletons(doc, known)) known.delete(client)
  return Y.encodeStateAsUpdate(doc, Y.encodeStateVector(known))
}

function written(name = 'note'): Y.Doc {
  const doc = new Y.Doc()
  const block = createBlock(doc, name, { type: 'text' })
  block.content.insert(0, 'typed offline')
  block.content.delete(0, 6)
  block.fields.set('color', 'red', { source: 'user_action', actor: 'ada' })
  block.data.set('n', new Y.Map([['deep', [1, { a: true }]]]))
  block.indexingList.startRun('search', { source: 'user_action', actor: 'ada', runId: 'r' })
  return doc
}

for (const [kind, squat] of Object.entries(SQUATS)) {
  for (const count of [1, 3]) {
    test(`[B66] a block by name keeps everything that was written when its first ${count} client ids have ${kind} of another writer`, () => {
      const ids = Array.from({ length: count }, (_, incarnation) => firstIdOf('note', incarnation))
      const server = squatted(squat, ids)
      const before = Object.fromEntries(['t', 'a', 'elsewhere'].map((root) => [root, JSON.stringify(server.get(root))]))
      const offline = written()
      const shown = JSON.stringify(getBlock(offline, 'note')?.toJSON())
      expect(documentRules.open(server).inspect(answerOf(offline, server), ADA)).toMatchObject({
        code: 'client_id_owned',
        isLasting: true,
      })
      const moved = moveSkeletons(offline, server) ?? new Uint8Array()
      expect(documentRules.open(server).inspect(moved, ADA)).toBeUndefined()
      Y.applyUpdate(server, moved)
      expect(JSON.stringify(getBlock(server, 'note')?.toJSON())).toBe(shown)
      expect(server.store.pendingStructs).toBeNull()
      expect(Object.fromEntries(Object.keys(before).map((root) => [root, JSON.stringify(server.get(root))]))).toEqual(
        before,
      )
      // Everybody who moves the same edits makes the same structs, and the block that is there goes on.
      expect(moveSkeletons(written('other'), server)).toBeUndefined()
      const again = moveSkeletons(offline, server) ?? new Uint8Array()
      Y.applyUpdate(server, again)
      expect(JSON.stringify(getBlock(server, 'note')?.toJSON())).toBe(shown)
    })
  }
}

test('[B66] two who made one block by name without having seen the other writer both keep their texts', () => {
  const server = squatted((doc) => doc.getText('t').insert(0, 'squatted by somebody'), [firstIdOf('note')])
  const [ada, ben] = [new Y.Doc(), new Y.Doc()]
  createBlock(ada, 'note', { type: 'text' }).content.insert(0, 'Ada. ')
  createBlock(ben, 'note', { type: 'text' }).content.insert(0, 'Ben. ')
  for (const doc of [ada, ben]) Y.applyUpdate(server, moveSkeletons(doc, server) ?? new Uint8Array())
  const text = getBlock(server, 'note')?.text ?? ''
  expect([text.includes('Ada. '), text.includes('Ben. '), text.length]).toEqual([true, true, 10])
})

test('[B66] a block that was deleted and made again moves with its history', () => {
  const server = squatted((doc) => doc.getText('t').insert(0, 'squatted by somebody'), [firstIdOf('note')])
  const ada = new Y.Doc()
  createBlock(ada, 'note', { type: 'text' }).content.insert(0, 'gone')
  deleteBlock(ada, 'note')
  createBlock(ada, 'note', { type: 'text' }).content.insert(0, 'stands')
  const moved = moveSkeletons(ada, server) ?? new Uint8Array()
  expect(documentRules.open(server).inspect(moved, ADA)).toBeUndefined()
  Y.applyUpdate(server, moved)
  expect(getBlock(server, 'note')?.text).toBe('stands')
  expect(server.getText('t').toString()).toBe('squatted by somebody')
})

test('[B66] a replica that has the first incarnation is told when the next one comes', () => {
  const server = squatted((doc) => doc.getText('t').insert(0, 'x'), [firstIdOf('note')])
  const doubled: number[][] = []
  const other = written()
  other.on('afterTransaction', (transaction) => doubled.push(doubledSkeletons(transaction)))
  Y.applyUpdate(other, Y.encodeStateAsUpdate(server))
  createBlock(server, 'note', { type: 'text' }).content.insert(0, 'by another')
  Y.applyUpdate(other, Y.encodeStateAsUpdate(server))
  expect(doubled.map((ids) => ids.sort())).toEqual([[], [firstIdOf('note'), firstIdOf('note', 1)].sort()])
})

test('[B66] whatever stands under the ids, moved edits pass and show what was written', () => {
  const squat = fc.constantFrom(...Object.values(SQUATS))
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 4 })
  const taken = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(3)), { selector: String })
  fc.assert(
    fc.property(squat, names, taken, (squats, blocks, pairs) => {
      const server = squatted(
        squats,
        pairs.map(([name, incarnation]) => firstIdOf(name, incarnation)),
      )
      const offline = new Y.Doc()
      for (const name of blocks) createBlock(offline, name, { type: 'text' }).content.insert(0, `typed in ${name}`)
      const moved = moveSkeletons(offline, server) ?? Y.encodeStateAsUpdate(offline)
      expect(documentRules.open(server).inspect(moved, ADA)).toBeUndefined()
      Y.applyUpdate(server, moved)
      for (const name of blocks) expect(getBlock(server, name)?.text).toBe(`typed in ${name}`)
    }),
    { numRuns: 60 },
  )
})

test('[B67] an item whose parent is there and is no type is refused, not dropped without a word', () => {
  for (const squat of Object.values(SQUATS).slice(0, 3)) {
    const server = squatted(squat, [firstIdOf('note')])
    const offline = written()
    const cut = Y.encodeStateAsUpdate(offline, Y.encodeStateVector(server))
    for (const writer of [ADA, EVE, { ...ADA, isAuthenticated: false }])
      expect(documentRules.open(server).inspect(cut, writer)?.code).toBe('client_id_owned')
  }
})
