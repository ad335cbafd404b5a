import * as random from 'lib0/random'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { type BlocksWriter, createBlock, documentRules, forkDoc } from '../index.ts'
import { ADA, BOB, blockOf, rulesOf, serverAnd } from '../testing/rules-fixture.ts'
import { gcUpdate } from '../testing/test-docs.ts'
import { CLIENT_IDS_PER_ACTOR_MAX } from './client-owners.ts'

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
  expect(rulesOf(restarted).ownersOf(doc.clientID)).toEqual(['ada'])
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
  expect(rulesOf(server).ownersOf(doc.clientID)).toEqual([])
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
  for (const one of [server, restarted]) expect(rulesOf(one).ownersOf(doc.clientID)).toEqual(['ada'])
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
  rulesOf(server).share(2 ** 31 + 7, 'actor 8')
  const shared = documentRules.open(new Y.Doc(), rulesOf(server).encodeAuthors())
  expect(shared.ownersOf(2 ** 31 + 7)).toEqual(['actor 7', 'actor 8'])
  const restarted = new Y.Doc()
  const ruled = documentRules.open(restarted, authors)
  Y.applyUpdate(restarted, Y.encodeStateAsUpdate(server))
  expect(ruled.ownersOf(2 ** 31 + 7)).toEqual(['actor 7'])
  expect(ruled.inspect(gcUpdate(doc.clientID, clock, 5), BOB)?.code).toBe('client_id_owned')
  expect(ruled.encodeAuthors()).toEqual(authors)
  // As an earlier version wrote it: one client id, 5, of ada.
  const earlier = Uint8Array.of(1, 1, 3, 97, 100, 97, 1, 5, 0)
  expect(documentRules.open(new Y.Doc(), earlier).ownersOf(5)).toEqual(['ada'])
  for (const bytes of [authors.subarray(0, authors.length - 3), Uint8Array.of(9), Uint8Array.of(1, 0, 1, 5, 0)]) {
    expect(() => documentRules.open(new Y.Doc(), bytes)).toThrow()
  }
})

/** A document of its own with one text, under a client id of its own. */
function written(text = 'text', clientId?: number): { id: number; doc: Y.Doc; update: Uint8Array } {
  const doc = new Y.Doc()
  if (clientId !== undefined) doc.clientID = clientId
  doc.getText(text).insert(0, text)
  return { id: doc.clientID, doc, update: Y.encodeStateAsUpdate(doc) }
}

/** One update under several new client ids. */
function several(count: number, from = random.uint32()): { ids: number[]; update: Uint8Array } {
  const ids = Array.from({ length: count }, (_, index) => from + index)
  return { ids, update: Y.mergeUpdates(ids.map((id) => written('t', id).update)) }
}

test('[B64] no owner is forgotten, and neither one actor nor many can fill a document with client ids', () => {
  const server = new Y.Doc()
  const rules = documentRules.open(server)
  const first = written('first')
  expect(rules.inspect(first.update, ADA)).toBeUndefined()
  // The ids count whether or not they are bound: these are not, since the connection has another id.
  const more = several(1_000, 2 ** 31)
  expect(rules.inspect(more.update, { ...BOB, ownId: 7 })).toBeUndefined()
  expect(rules.owners.broughtBy('bob')).toBe(1_000)
  rules.owners.count(CLIENT_IDS_PER_ACTOR_MAX - 1_000, 'bob')
  expect(rules.inspect(written('more').update, BOB)?.code).toBe('too_large')
  expect(rules.inspect(written('more').update, ADA)).toBeUndefined()
  // Edits under a known id are no new id.
  Y.applyUpdate(server, first.update)
  first.doc.getText('first').insert(0, 'more ')
  expect(rules.inspect(Y.encodeStateAsUpdate(first.doc), ADA)).toBeUndefined()
  for (let actor = 0; actor < 3; actor++) rules.owners.count(10_000, `actor ${actor}`)
  expect(rules.inspect(written('last').update, ADA)?.code).toBe('too_large')
  expect(rules.ownersOf(first.id)).toEqual(['ada'])
  const loaded = documentRules.open(new Y.Doc(), rules.encodeAuthors())
  expect(loaded.inspect(written('last').update, ADA)?.code).toBe('too_large')
})

describe('[B65] which updates bind a new client id', () => {
  const OWN = 77
  const cases: readonly [string, Partial<BlocksWriter>, () => { ids: number[]; update: Uint8Array }, number[]][] = [
    ['the announced id', { ownId: OWN }, () => ({ ids: [OWN], update: written('t', OWN).update }), [0]],
    ['another id than the announced one', { ownId: OWN }, () => several(1), []],
    ['the announced id among others', { ownId: OWN }, () => several(3, OWN), [0]],
    ['an announced id in an answer that may relay', { ownId: OWN, mayRelay: true }, () => several(3, OWN), [0]],
    ['several ids, none announced', {}, () => several(3), [0, 1, 2]],
    ['as many ids as an import has', {}, () => several(1_025), []],
    ['one id in an answer', { isAnswer: true }, () => several(1), [0]],
    ['several ids in an answer', { isAnswer: true }, () => several(2), []],
    ['one id in an answer that may relay', { isAnswer: true, mayRelay: true }, () => several(1), []],
  ]
  test.each(cases)('[B65] %s', (_name, about, make, bound) => {
    const { ids, update } = make()
    const writer = { ...ADA, ...about }
    const rules = documentRules.open(new Y.Doc())
    expect(rules.mayBeOthers(update, writer)).toBe(bound.length < ids.length)
    expect(rules.inspect(update, writer)).toBeUndefined()
    expect(ids.filter((id) => rules.ownersOf(id).includes('ada'))).toEqual(bound.map((index) => ids[index]))
    // Others may write under an id that the update did not bind. In development mode nothing is bound.
    expect(rules.inspect(update, BOB)?.code).toBe(bound.length > 0 ? 'client_id_owned' : undefined)
    const free = documentRules.open(new Y.Doc())
    expect(free.inspect(update, { ...writer, isAuthenticated: false })).toBeUndefined()
    expect(ids.flatMap((id) => free.ownersOf(id))).toEqual([])
  })

  test('[B65] an id that is held for somebody is refused to others, alone and among others, and bound to its holder', () => {
    const { ids, update } = several(2)
    const [held, other] = ids as [number, number]
    const rules = documentRules.open(new Y.Doc(), undefined, (client) => (client === held ? ['ada'] : []))
    expect(rules.inspect(update, BOB)?.code).toBe('client_id_owned')
    expect(rules.inspect(written('t', held).update, { ...BOB, ownId: held })?.code).toBe('client_id_owned')
    // A peer of ada's may bring her edits: they wait for her.
    const rest = rules.withhold(update, { ...BOB, ownId: 5 })
    expect([...Y.parseUpdateMeta(rest).to.keys()]).toEqual([other])
    expect(rules.inspect(written('t', held).update, { ...ADA, ownId: 6 })).toBeUndefined()
    expect(rules.owners.ownersOf(held)).toEqual(['ada'])
  })

  test('[B65] an id with several owners takes edits of each, says that they may be others’, and is refused to the rest', () => {
    const server = new Y.Doc()
    const rules = documentRules.open(server)
    const { id, doc, update } = written()
    rules.inspect(update, ADA)
    Y.applyUpdate(server, update)
    rules.share(id, 'bob')
    doc.getText('text').insert(2, 'more')
    const more = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(server))
    for (const writer of [ADA, BOB]) {
      expect(rules.mayBeOthers(more, writer)).toBe(true)
      expect(rules.inspect(more, writer)).toBeUndefined()
    }
    expect(rules.inspect(more, { ...ADA, actor: 'mallory' })?.code).toBe('client_id_owned')
    // The log gives the same owners.
    const replayed = documentRules.open(new Y.Doc())
    replayed.recordAuthor(update, 'ada')
    replayed.recordRelay(more, 'bob', id)
    expect(replayed.ownersOf(id)).toEqual(['ada', 'bob'])
    const other = documentRules.open(new Y.Doc())
    other.recordRelay(more, 'bob', undefined)
    expect(other.ownersOf(id)).toEqual([])
  })

  test('[B65] nobody can keep others from a block by holding its skeleton’s client id', () => {
    const doc = new Y.Doc()
    createBlock(doc, 'named', { type: 'text' })
    const skeletons = [...doc.store.clients.keys()].filter((client) => client !== doc.clientID)
    const rules = documentRules.open(new Y.Doc(), undefined, (id) => (skeletons.includes(id) ? ['mallory'] : []))
    const update = Y.encodeStateAsUpdate(doc)
    expect(rules.withhold(update, { ...ADA, ownId: doc.clientID })).toBe(update)
    expect(rules.inspect(update, ADA)).toBeUndefined()
  })
})
