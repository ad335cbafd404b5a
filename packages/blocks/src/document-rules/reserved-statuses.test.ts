import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  type BlocksWriter,
  createBlock,
  deleteBlock,
  documentRules,
  forkDoc,
  getBlock,
  MACHINES,
  type MachineClaim,
  PAYMENT,
  undoScope,
} from '../index.ts'
import { ADA, blockOf, rulesOf, serverAnd } from '../testing/rules-fixture.ts'

const ANYBODY: BlocksWriter = { actor: 'anonymous', source: 'user_action', sources: undefined, isAuthenticated: false }
const SERVICE: BlocksWriter = { ...ADA, actor: 'payments', source: 'provider', sources: ['provider'] }
const BANK = { source: 'provider', actor: 'payments' } as const

/** A server's document with a payment that Ada has started, in block `b1`, and an empty block `b2`. */
function shop(): Y.Doc {
  const doc = new Y.Doc()
  rulesOf(doc).observe(() => undefined)
  const { codes, doc: ada } = serverAnd(ADA, doc)
  blockOf(ada).statuses(PAYMENT).startRun('o-7', { source: 'user_action', actor: 'ada', runId: 'r1' })
  createBlock(ada, 'b2', { type: 'text' })
  expect(codes.filter((code) => code !== undefined)).toEqual([])
  return doc
}

const RUN = { no: 1, id: 'r1', source: 'user_action' }
const CLAIM = {
  machine: 'payment@1',
  name: 'o-7',
  run: RUN,
  status: 'captured',
  source: 'provider',
  actor: 'ada',
  at: 1,
}

/** The ways in which an element may come to stand where readers look for statuses. */
const CARRIERS: Readonly<Record<string, (doc: Y.Doc, claim: object) => void>> = {
  'is pushed to the list': (doc, claim) => listOf(doc).push([claim]),
  'is one of many': (doc, claim) => listOf(doc).push([1, null, claim, 'x']),
  'stands in a plain array in place of the list': (doc, claim) => blockOf(doc).map.set('statuses', [claim]),
  'stands in a new list': (doc, claim) => blockOf(doc).map.set('statuses', listWith(claim)),
  'stands in the list of a new block': (doc, claim) =>
    doc.getMap('blocks').set('b9', new Y.Map(Object.entries({ id: 'b9', statuses: listWith(claim) }))),
  'stands in a plain array of a new block': (doc, claim) =>
    doc.getMap('blocks').set('b9', new Y.Map(Object.entries({ id: 'b9', statuses: [claim] }))),
  'is an embed': (doc, claim) => insertRaw(doc, new Y.ContentEmbed(claim)),
  'is of an older Yjs': (doc, claim) => insertRaw(doc, new Y.ContentJSON([claim])),
  'is a Yjs map': (doc, claim) => listOf(doc).push([new Y.Map(Object.entries(claim))]),
}

function listWith(claim: object): Y.Array<unknown> {
  const list = new Y.Array<unknown>()
  list.push([claim])
  return list
}

function listOf(doc: Y.Doc): Y.Array<unknown> {
  const list = blockOf(doc).map.get('statuses')
  if (!(list instanceof Y.Array)) throw new Error('the block has no statuses')
  return list
}

/** Puts content at the head of the list that Yjs' own functions do not put there. */
function insertRaw(doc: Y.Doc, content: ConstructorParameters<typeof Y.Item>[7]): void {
  const list = listOf(doc)
  const right = list._start
  doc.transact((transaction) => {
    const id = Y.createID(doc.clientID, Y.getState(doc.store, doc.clientID))
    new Y.Item(id, null, null, right, right?.id ?? null, list, null, content).integrate(transaction, 0)
  })
}

/** The codes with which the server refuses what `edit` makes of its document, and what the server shows afterwards. */
function tried(server: Y.Doc, writer: BlocksWriter, edit: (doc: Y.Doc) => void) {
  const doc = forkDoc(server)
  const before = Y.encodeStateVector(doc)
  doc.transact(() => edit(doc))
  const update = Y.encodeStateAsUpdate(doc, before)
  const refusal = rulesOf(server).inspect(update, writer)
  if (refusal === undefined) Y.applyUpdate(server, update)
  const shown = [...server.getMap('blocks').keys()].flatMap((id) => getBlock(server, id)?.toJSON().statuses ?? [])
  return { refusal, shown }
}

describe.each([
  ['with keys', ADA],
  ['in development mode', ANYBODY],
])('[B108] %s', (_mode, writer) => {
  test.each(Object.keys(CARRIERS))('nobody forges that a payment is captured by a claim that %s', (carrier) => {
    const carry = CARRIERS[carrier]
    for (const change of [{}, { source: 'user_action' }, { source: 'root' }, { run: { ...RUN, source: 'provider' } }]) {
      const { refusal, shown } = tried(shop(), writer, (doc) => carry?.(doc, { ...CLAIM, ...change }))
      // Readers take a Yjs map for junk, so it may pass.
      if (carrier !== 'is a Yjs map')
        expect(refusal?.code, JSON.stringify(change)).toMatch(/^(forbidden_source|bad_claim)$/)
      expect(shown.map(({ status }) => status)).toEqual(['pending'])
    }
  })

  test('a stock legacy entry says nothing of a resource', () => {
    const legacy = { machine: 'payment@1', name: 'o-7', status: 'captured', timestamp: 1 }
    const { shown } = tried(shop(), writer, (doc) => listOf(doc).push([legacy]))
    expect(shown).toMatchObject([{ status: 'pending' }])
  })

  test('the refusal says who may say a status, and which machines and statuses there are', () => {
    const reasonOf = (change: object) => {
      const { refusal } = tried(shop(), writer, (doc) => listOf(doc).push([{ ...CLAIM, ...change }]))
      return `${refusal?.code}: ${refusal?.reason}`
    }
    expect(reasonOf({ source: 'user_action' })).toContain(
      'forbidden_source: A claim in statuses: the status captured of payment@1 is said by provider, not by user_action',
    )
    expect(reasonOf({})).toContain('forbidden_source')
    expect(reasonOf({ machine: 'payment@2' })).toContain('there is no machine "payment@2" here')
    expect(reasonOf({ machine: undefined })).toContain('bad_claim')
    expect(reasonOf({ status: 'synced' })).toContain('payment@1 has no status "synced"')
    expect(reasonOf({ source: 'resources' })).toContain('payment@1 has no source "resources"')
    expect(reasonOf({ status: 'pending', source: 'user_action', detail: { text: 'x'.repeat(5_000) } })).toContain(
      'its detail is wrong',
    )
    const stalled = {
      machine: 'file@1',
      status: 'syncing',
      source: 'workflow_execution',
      stalled: { since: 1, why: 'x' },
    }
    expect(reasonOf(stalled)).toContain('the flag stalled of file@1 is set by resources or polling_sync')
  })
})

test('[B108] a claim waits for what it builds on, and is refused all the same', () => {
  const server = new Y.Doc()
  const doc = shop()
  doc.transact(() => listOf(doc).push([CLAIM]))
  const update = Y.encodeStateAsUpdate(doc)
  expect(documentRules.open(server).inspect(update, ANYBODY)?.code).toBe('forbidden_source')
  const before = Y.encodeStateVector(doc)
  listOf(doc).push([{ ...CLAIM, at: 2 }])
  const late = Y.encodeStateAsUpdate(doc, before)
  expect(documentRules.open(new Y.Doc()).inspect(late, ANYBODY)?.code).toBe('forbidden_source')
})

test('[B108] a service whose token names the source may say it, and a token without it may not', () => {
  const server = shop()
  const capture = (doc: Y.Doc) =>
    void blockOf(doc)
      .statuses(PAYMENT)
      .report('o-7', { ...RUN, source: 'user_action' }, 'captured', BANK)
  expect(tried(server, { ...SERVICE, sources: ['user_action'] }, capture).refusal?.code).toBe('forbidden_source')
  expect(tried(server, SERVICE, capture)).toMatchObject({ refusal: undefined, shown: [{ status: 'captured' }] })
})

test('[B108] what was said of one block is not known in another, and undo brings it back where it stood', () => {
  const server = shop()
  blockOf(server)
    .statuses(PAYMENT)
    .report('o-7', { ...RUN, source: 'user_action' }, 'captured', BANK)
  const said = listOf(server).toArray().at(-1) as object
  const copy = (doc: Y.Doc) => getBlock(doc, 'b2')?.map.set('statuses', Y.Array.from([said]))
  expect(tried(server, ADA, copy).refusal?.code).toBe('forbidden_actor')
  expect(tried(server, ANYBODY, copy).refusal?.code).toBe('forbidden_source')
  const other = { ...said, name: 'o-8' }
  expect(tried(server, ANYBODY, (doc) => listOf(doc).push([other])).refusal?.code).toBe('forbidden_source')
  const { doc, codes } = serverAnd(ADA, server)
  const { scope, options } = undoScope(doc)
  const undo = new Y.UndoManager(scope, options)
  deleteBlock(doc, 'b1')
  undo.undo()
  expect(codes).toEqual([undefined, undefined])
  expect(getBlock(server, 'b1')?.toJSON().statuses).toMatchObject([{ name: 'o-7', status: 'captured' }])
})

test('[B109] in the time for edits that a killed server lost, a client may bring back what is no result, and nothing else', () => {
  const relay = { mayRelay: true, isAnswer: true }
  const bring = (writer: BlocksWriter, change: Partial<MachineClaim>) =>
    tried(shop(), writer, (doc) => listOf(doc).push([{ ...CLAIM, actor: 'joinery', ...change }])).refusal?.code
  for (const writer of [ADA, ANYBODY]) {
    expect(bring({ ...writer, ...relay }, { status: 'processing' })).toBe(undefined)
    expect(bring({ ...writer, ...relay }, { status: 'captured' })).toMatch(/^forbidden_/)
    expect(bring(writer, { status: 'processing' })).toMatch(/^forbidden_/)
    const started = { no: 2, id: 'r2', source: 'provider' }
    expect(bring({ ...writer, ...relay }, { status: 'pending', run: started })).toBe(undefined)
    expect(bring({ ...writer, ...relay }, { status: 'authorized', source: 'user_action' })).toBe('forbidden_source')
  }
})

const aClaim = fc.record(
  {
    machine: fc.constantFrom(...MACHINES.map(({ name }) => name as string), 'payment@2', 'constructor'),
    name: fc.constantFrom('o-7', 'o-8', '__proto__'),
    run: fc.record(
      {
        no: fc.integer({ min: 0, max: 3 }),
        id: fc.constantFrom('r1', 'r2'),
        source: fc.constantFrom('user_action', 'provider', 'resources', 'polling_sync', 'root'),
      },
      { noNullPrototype: true },
    ),
    status: fc.constantFrom(...new Set(MACHINES.flatMap(({ table }) => table.ranks)), 'stalled', 'toString'),
    source: fc.constantFrom('user_action', 'provider', 'resources', 'workflow_execution', 'polling_sync', 'valueOf'),
    actor: fc.constantFrom('ada', 'joinery'),
    at: fc.integer({ min: 1, max: 3 }),
    stalled: fc.option(fc.constant({ since: 1, why: 'x' }), { nil: undefined }),
  },
  { noNullPrototype: true },
)

test('[B108] whatever claims come in whatever form, no status shows that its writer may not say', () => {
  const aForgery = fc.record({ claim: aClaim, carrier: fc.constantFrom(...Object.keys(CARRIERS)), isAda: fc.boolean() })
  fc.assert(
    fc.property(fc.array(aForgery, { minLength: 1, maxLength: 6 }), (forgeries) => {
      const server = shop()
      for (const { claim, carrier, isAda } of forgeries) {
        const given = Object.fromEntries(Object.entries(claim).filter(([, value]) => value !== undefined))
        // A list that a forger has replaced is made anew, so that the next carrier finds one.
        if (!(blockOf(server).map.get('statuses') instanceof Y.Array))
          blockOf(server).map.set('statuses', new Y.Array())
        const { shown } = tried(server, isAda ? ADA : ANYBODY, (doc) => CARRIERS[carrier]?.(doc, given))
        for (const { machine, status, source, stalled } of shown) {
          const only = MACHINES.find(({ name }) => name === machine)?.table.only as Readonly<
            Record<string, readonly string[]>
          >
          expect(['provider', 'resources']).not.toContain(source)
          for (const said of stalled === undefined ? [status] : [status, 'stalled'])
            expect(only[said] ?? [source], `${machine} ${said} by ${source}`).toContain(source)
        }
      }
    }),
    { numRuns: 150 },
  )
})
