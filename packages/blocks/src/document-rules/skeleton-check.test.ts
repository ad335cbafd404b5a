import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { BLOCK_SKELETON_LENGTH, encodeSkeleton, skeletonClientId } from '../block-skeleton.ts'
import { createBlock, deleteBlock, documentRules, forkDoc, getBlock } from '../index.ts'
import { ADA, BOB, blockOf, rulesOf, serverAnd } from '../testing/rules-fixture.ts'
import { gcUpdate } from '../testing/test-docs.ts'
import { isPlainTyping } from './typing-scan.ts'

test("[B34] a skeleton's structs are that skeleton as a whole, and nothing follows them", () => {
  const skeleton = { kind: 'block', blockId: 'victim', incarnation: 0, follows: undefined } as const
  const client = skeletonClientId(skeleton)
  const other = new Y.Doc()
  other.clientID = client
  other.getMap('blocks').set('victim', new Y.Map([['id', 'other']]))
  const server = new Y.Doc()
  expect(rulesOf(server).inspect(Y.encodeStateAsUpdate(other), ADA)?.code).toBe('forged_skeleton')
  expect(rulesOf(server).inspect(encodeSkeleton(skeleton), ADA)).toBeUndefined()
  Y.applyUpdate(server, encodeSkeleton(skeleton))
  expect(rulesOf(server).inspect(encodeSkeleton(skeleton), BOB)).toBeUndefined()
  expect(rulesOf(server).inspect(gcUpdate(client, BLOCK_SKELETON_LENGTH, 1), ADA)?.code).toBe('forged_skeleton')
  expect(rulesOf(server).ownersOf(client)).toEqual([])
})

/** Ids as Yjs 14 and yrs draw them, among them those of the ranges in which skeletons stand. */
const WIDE_IDS = [2 ** 32, 2 ** 52 - 1, 2 ** 52, 2 ** 52 + 2 ** 51 - 1, 2 ** 52 + 2 ** 51, 2 ** 53 - 1]

test('[B34, B35] a writer with a client id of 53 bits may do all that others may, and owns its id', () => {
  const edits: ((doc: Y.Doc) => unknown)[] = [
    (doc) => doc.getText('t').insert(0, 'typed'),
    (doc) => doc.getMap('blocks').set('bare', new Y.Map([['id', 'bare']])),
    (doc) => doc.getMap('blocks').set('bare', 1),
    (doc) => doc.getXmlFragment('x').insert(0, [new Y.XmlElement('p')]),
    (doc) => blockOf(doc).content.insert(0, 'typed'),
    (doc) => blockOf(doc).map.set('content', new Y.Text('mine')),
    (doc) => {
      doc.getArray('a').push([1])
      doc.getArray('a').delete(0, 1)
    },
    (doc) => {
      doc.getArray('a').push([new Y.Map([['deep', new Y.Map([['er', 1]])]])])
      doc.getArray('a').delete(0, 1)
    },
  ]
  for (const id of WIDE_IDS) {
    for (const first of edits) {
      const { server, doc, codes } = serverAnd(ADA)
      doc.clientID = id
      doc.transact(() => first(doc))
      for (const edit of edits) edit(doc)
      deleteBlock(doc, 'b1')
      expect(codes.filter((code) => code !== undefined)).toEqual([])
      expect(server.getText('t').toString()).toBe(doc.getText('t').toString())
      expect(server.getMap('blocks').toJSON()).toEqual(doc.getMap('blocks').toJSON())
      const again = new Y.Doc()
      expect(rulesOf(again).inspect(Y.encodeStateAsUpdate(doc), ADA)).toBeUndefined()
      expect(rulesOf(server).ownersOf(id)).toEqual(['ada'])
      const ahead = forkDoc(doc)
      ahead.clientID = id
      ahead.getText('t').insert(1, 'more')
      const more = Y.encodeStateAsUpdate(ahead, Y.encodeStateVector(doc))
      expect(isPlainTyping(server, more, rulesOf(server).owners, 'ada')).toBe(true)
      expect(isPlainTyping(server, more, undefined, 'ada')).toBe(true)
      const restarted = documentRules.open(server, rulesOf(server).encodeAuthors())
      expect(restarted.inspect(more, BOB)?.code).toBe('client_id_owned')
    }
  }
})

test('[B34] a squatter on the client ids of skeletons keeps nobody from creating the block', () => {
  const name = { kind: 'block', blockId: 'victim', follows: undefined } as const
  for (const squatted of [1, 5, 64]) {
    const { server, doc } = serverAnd(ADA)
    for (let incarnation = 0; incarnation < squatted; incarnation++) {
      doc.clientID = skeletonClientId({ ...name, incarnation })
      doc.getText('t').insert(0, 'squatted')
    }
    const bob = serverAnd(BOB, server)
    createBlock(bob.doc, 'victim', { type: 'text' }).content.insert(0, 'alive')
    expect(bob.codes.filter((code) => code !== undefined)).toEqual([])
    expect(getBlock(server, 'victim')?.text).toBe('alive')
  }
})

test('[B34] a block made before its writer saw a squatter is refused, rather than lost without a word', () => {
  const skeleton = { kind: 'block', blockId: 'victim', incarnation: 0, follows: undefined } as const
  for (const length of [1, 20]) {
    const offline = new Y.Doc()
    createBlock(offline, 'victim', { type: 'text' }).content.insert(0, 'mine')
    const { server, doc } = serverAnd(ADA)
    doc.clientID = skeletonClientId(skeleton)
    doc.getText('t').insert(0, 'x'.repeat(length))
    expect(rulesOf(server).inspect(Y.encodeStateAsUpdate(offline), BOB)?.code).toBe('client_id_owned')
  }
})

test('[B34] a part that was added to a block which is gone by now passes', () => {
  const { server, doc } = serverAnd(ADA)
  doc.getMap('blocks').set('bare', new Y.Map())
  const offline = forkDoc(server)
  getBlock(offline, 'bare')?.content.insert(0, 'typed offline')
  deleteBlock(doc, 'bare')
  expect(rulesOf(server).inspect(Y.encodeStateAsUpdate(offline, Y.encodeStateVector(server)), BOB)).toBeUndefined()
})
