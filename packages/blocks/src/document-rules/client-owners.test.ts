import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { type BlocksWriter, createBlock, documentRules, forkDoc } from '../index.ts'
import { gcUpdate } from '../test-docs.ts'
import { ADA, BOB, blockOf, rulesOf, serverAnd } from './rules-fixture.ts'

test("[B35] new structs under another principal's client id are refused, online and offline victim alike", () => {
  const { server, doc } = serverAnd(ADA)
  blockOf(doc).content.insert(0, 'mine')
  const clock = Y.getState(doc.store, doc.clientID)
  expect(rulesOf(server).inspect(gcUpdate(doc.clientID, clock, 5), BOB)?.code).toBe('client_id_owned')
  const thief = forkDoc(server)
  thief.clientID = doc.clientID
  const stolen: Uint8Array[] = []
  thief.on('update', (update: Uint8Array) => stolen.push(update))
  blockOf(thief).content.insert(2, 'stolen')
  expect(stolen.map((update) => rulesOf(server).inspect(update, BOB)?.code)).toEqual(['client_id_owned'])
  blockOf(doc).content.insert(4, ' still')
  expect(blockOf(server).text).toBe('mine still')
  // After a restart, the owners are known from the log's records.
  const restarted = new Y.Doc()
  const record = Y.encodeStateAsUpdate(server)
  rulesOf(restarted).recordAuthor(record, 'ada')
  Y.applyUpdate(restarted, record)
  expect(rulesOf(restarted).owners.ownerOf(doc.clientID)).toBe('ada')
  expect(rulesOf(restarted).inspect(gcUpdate(doc.clientID, clock + 6, 5), BOB)?.code).toBe('client_id_owned')
})

test('[B35] a client id stays free for its writer when somebody else brings its first edits back, also over a restart', () => {
  const doc = new Y.Doc()
  const block = createBlock(doc, 'b1', { type: 'text' })
  const skeleton = Y.encodeStateAsUpdate(doc)
  block.content.insert(0, 'lost')
  const lost = Y.encodeStateAsUpdate(doc)
  const [server, restarted] = [new Y.Doc(), new Y.Doc()]
  Y.applyUpdate(server, skeleton)
  expect(rulesOf(server).inspect(lost, { ...BOB, mayRelay: true })).toBeUndefined()
  Y.applyUpdate(server, lost)
  expect(rulesOf(server).owners.ownerOf(doc.clientID)).toBeUndefined()
  const before = Y.encodeStateVector(doc)
  blockOf(doc).content.insert(4, ' and found')
  const found = Y.encodeStateAsUpdate(doc, before)
  expect(rulesOf(server).inspect(found, ADA)).toBeUndefined()
  for (const [update, actor] of [
    [lost, 'bob'],
    [found, 'ada'],
  ] as const) {
    rulesOf(restarted).recordAuthor(update, actor)
    Y.applyUpdate(restarted, update)
  }
  for (const one of [server, restarted]) expect(rulesOf(one).owners.ownerOf(doc.clientID)).toBe('ada')
})

test('[B35] of an answer only what others own is withheld, while it may relay or that waits already; all else stays', () => {
  const [server, doc] = [new Y.Doc(), new Y.Doc()]
  const block = createBlock(doc, 'b1', { type: 'text' })
  Y.applyUpdate(server, Y.encodeStateAsUpdate(doc))
  const seen = Y.encodeStateVector(server)
  block.content.insert(0, 'mine')
  const first = Y.encodeStateAsUpdate(doc, seen)
  expect(rulesOf(server).inspect(first, ADA)).toBeUndefined()
  Y.applyUpdate(server, first)
  const both = forkDoc(doc)
  blockOf(doc).content.insert(4, ' lost')
  Y.applyUpdate(both, Y.encodeStateAsUpdate(doc))
  blockOf(both).content.insert(0, 'bob: ')
  const answer = Y.encodeStateAsUpdate(both, Y.encodeStateVector(server))
  expect(rulesOf(server).withhold(answer, BOB)).toBe(answer)
  expect(rulesOf(server).inspect(answer, BOB)?.code).toBe('client_id_owned')
  const relay = { ...BOB, mayRelay: true }
  const rest = rulesOf(server).withhold(answer, relay)
  expect([...Y.parseUpdateMeta(rest).to.keys()]).toEqual([both.clientID])
  expect(rulesOf(server).inspect(rest, relay)).toBeUndefined()
  expect(rulesOf(server).withhold(rest, relay)).toBe(rest)
  expect(rulesOf(server).withhold(answer, { ...relay, actor: 'ada' })).toBe(answer)
  expect(rulesOf(server).withhold(answer, { ...relay, isAuthenticated: false })).toBe(answer)

  // Others relay edits that wait here for the edits they build on. That is no fault of theirs.
  Y.applyUpdate(server, rest)
  const before = Y.encodeStateVector(doc)
  blockOf(doc).content.insert(9, '!')
  Y.applyUpdate(server, Y.encodeStateAsUpdate(doc, before))
  expect(server.store.pendingStructs).not.toBeNull()
  const carol: BlocksWriter = { ...ADA, actor: 'carol' }
  const newcomer = forkDoc(server)
  const handedOn = Y.encodeStateAsUpdate(newcomer, Y.encodeStateVector(server))
  expect(rulesOf(server).inspect(rulesOf(server).withhold(handedOn, carol), carol)).toBeUndefined()
})

test('[B43] who owns a client id is known from what was kept beside a snapshot, in few bytes', () => {
  const { server, doc } = serverAnd(ADA)
  blockOf(doc).content.insert(0, 'mine')
  const clock = Y.getState(doc.store, doc.clientID)
  for (let client = 0; client < 10_000; client++) rulesOf(server).owners.bind(2 ** 31 + client, `actor ${client % 10}`)
  const authors = rulesOf(server).encodeAuthors()
  expect(authors.length).toBeLessThan(80_000)
  const restarted = new Y.Doc()
  const ruled = documentRules.open(restarted, authors)
  Y.applyUpdate(restarted, Y.encodeStateAsUpdate(server))
  expect(ruled.owners.ownerOf(2 ** 31 + 7)).toBe('actor 7')
  expect(ruled.inspect(gcUpdate(doc.clientID, clock, 5), BOB)?.code).toBe('client_id_owned')
  expect(ruled.encodeAuthors()).toEqual(authors)
  for (const bytes of [authors.subarray(0, authors.length - 3), Uint8Array.of(9), Uint8Array.of(1, 0, 1, 5, 0)]) {
    expect(() => documentRules.open(new Y.Doc(), bytes)).toThrow()
  }
})
