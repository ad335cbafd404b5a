import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { type BlocksWriter, clientOwners, createBlock, documentRules, forkDoc } from '../index.ts'
import { gcUpdate } from '../test-docs.ts'
import { ADA, BOB, blockOf, serverAnd } from './rules-fixture.ts'

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
