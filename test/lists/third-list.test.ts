import { CLAIM_LISTS, createBlock, getBlock, ORDER_RULES } from '@joinery/blocks'
import type { Workspace } from '@joinery/client'
import { type Conflict, encodeUpdate } from '@joinery/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import * as Y from 'yjs'
import { FeedReader } from '../api/feed-reader.ts'
import { type TempDirectory, tempDirectory } from '../support/temp-directory.ts'
import { makeToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'
import { type PaidServer, startPaidServer } from './paid-server.ts'
import { PAYMENTS, type PaymentEntry } from './payments.ts'

const ADA = { source: 'user_action', actor: 'ada' } as const
const BANK = { source: 'provider', actor: 'bank' } as const
let directory: TempDirectory
let server: PaidServer

beforeEach(async () => {
  directory = await tempDirectory()
  server = await startPaidServer(directory.path)
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

function paymentsOf(doc: Y.Doc) {
  return (getBlock(doc, 'b') ?? createBlock(doc, 'b', { type: 'text' })).claims(PAYMENTS)
}
const shownTo = ({ doc }: Workspace): PaymentEntry | undefined => getBlock(doc, 'b')?.claims(PAYMENTS).get('o-7')

/** The claims that stand, beaten ones included. */
function standing(doc: Y.Doc): number {
  const list = getBlock(doc, 'b')?.map.get('payments')
  return list instanceof Y.Array ? list.length : 0
}

/** The update that `edit` makes on a copy of `doc`, by a writer that sees nothing afterwards. */
function updateOn(doc: Y.Doc, edit: (copy: Y.Doc) => void): Uint8Array {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  const before = Y.encodeStateVector(copy)
  edit(copy)
  return Y.encodeStateAsUpdate(copy, before)
}

it('[T90] claims of an added list reach everybody, are told to observers, and are there after a restart from disk', async () => {
  const [ada, bank] = [await server.connect('ada', 'user_action'), await server.connect('bank', 'provider')]
  const run = paymentsOf(ada.doc).startRun('o-7', { ...ADA, currency: 'EUR' })
  await until('the bank sees the order', () => shownTo(bank) !== undefined)
  const told: string[] = []
  getBlock(ada.doc, 'b')
    ?.claims(PAYMENTS)
    .observe(({ changes }) => told.push(...changes.map(({ kind, key }) => `${kind} ${key}`)))
  paymentsOf(bank.doc).report('o-7', run, 'captured', { ...BANK, amount: 1_250 })
  await until('ada sees the money', () => shownTo(ada)?.status === 'captured')
  expect(told).toEqual(['updated o-7'])
  expect(shownTo(ada)).toMatchObject({ order: 'o-7', currency: 'EUR', amount: 1_250, run: { no: 1 }, actor: 'bank' })
  await bank.whenDurable()
  const stamp = () => ada.provenance.of('b/payments')
  await until('ada hears who touched the payments', () => stamp()?.actor === 'bank')
  const before = getBlock(ada.doc, 'b')?.claims(PAYMENTS).toJSON()
  await server[Symbol.asyncDispose]()
  server = await startPaidServer(directory.path)
  const again = await server.connect('ada', 'user_action')
  expect(getBlock(again.doc, 'b')?.claims(PAYMENTS).toJSON()).toEqual(before)
})

it('[T91] two who write to an added list of one block first, unseen by each other, make one list that holds both', async () => {
  const [one, other] = [await server.raw('ada', 'user_action'), await server.raw('bank', 'provider')]
  createBlock(one.doc, 'b', { type: 'text' })
  await until('the other has the block', () => getBlock(other.doc, 'b') !== undefined)
  const updates = [
    updateOn(one.doc, (copy) => void paymentsOf(copy).startRun('o-7', ADA)),
    updateOn(other.doc, (copy) => void paymentsOf(copy).startRun('o-8', BANK)),
  ] as const
  one.sendUpdateFrame(encodeUpdate(updates[0]))
  other.sendUpdateFrame(encodeUpdate(updates[1]))
  await until('both are durable', () => [one, other].every((client) => client.framesDurable === client.framesSent))
  const reader = await server.connect('ada', 'user_action')
  expect(
    paymentsOf(reader.doc)
      .entries()
      .map(({ order }) => order),
  ).toEqual(['o-7', 'o-8'])
})

it('[T92] the server checks an added list as its own: actor, source, run, shape and skeleton', async () => {
  const ada = await server.connect('ada', 'user_action')
  const run = paymentsOf(ada.doc).startRun('o-7', ADA)
  await ada.whenDurable()
  const forged: [string, (copy: Y.Doc) => void][] = [
    ['forbidden_actor', (copy) => paymentsOf(copy).report('o-7', run, 'captured', BANK)],
    ['forbidden_source', (copy) => paymentsOf(copy).report('o-7', run, 'captured', { ...BANK, actor: 'eve' })],
    [
      'foreign_run',
      (copy) => {
        const theirs = { no: 2, id: 'made up', source: 'provider' } as const
        paymentsOf(copy).report('o-7', theirs, 'captured', { ...ADA, actor: 'eve' })
      },
    ],
    [
      'bad_claim',
      (copy) => {
        const list = getBlock(copy, 'b')?.map.get('payments')
        if (list instanceof Y.Array) list.push([{ order: 'o-7', run: {} }])
      },
    ],
    [
      'bad_claim',
      (copy) => void getBlock(copy, 'b')?.map.set('payments', [{ order: 'o-7', run: {}, status: 'paid in full' }]),
    ],
  ]
  for (const [code, forge] of forged) {
    const eve = await server.raw('eve', 'user_action')
    eve.sendUpdateFrame(encodeUpdate(updateOn(eve.doc, forge)))
    await until('eve is answered', () => eve.rejections.length > 0)
    expect(eve.rejections.map((rejection) => rejection.code)).toEqual([code])
    await eve.close()
  }
  expect(shownTo(await server.connect('ben', 'user_action'))).toMatchObject({ status: 'authorized' })
  // A server whose table lacks the list knows no such skeleton.
  const away = await tempDirectory()
  const plain = await startPaidServer(away.path, CLAIM_LISTS)
  const client = await plain.raw('ada', 'user_action')
  createBlock(client.doc, 'b', { type: 'text' })
  paymentsOf(client.doc).startRun('o-7', ADA)
  await until('the client is answered', () => client.rejections.length > 0)
  expect(client.rejections[0]?.code).toBe('forged_skeleton')
  await plain[Symbol.asyncDispose]()
  await away[Symbol.asyncDispose]()
})

it('[T92] a claim of an added list that arrives before the edits it builds on is judged by its own list', async () => {
  const reader = await server.connect('ben', 'user_action')
  const ada = await server.raw('ada', 'user_action')
  const source = new Y.Doc()
  const run = paymentsOf(source).startRun('o-7', ADA)
  const first = Y.encodeStateAsUpdate(source)
  const ahead = updateOn(source, (copy) => void paymentsOf(copy).report('o-7', run, 'captured', ADA))
  const forged = updateOn(source, (copy) => void paymentsOf(copy).report('o-7', run, 'captured', BANK))
  const eve = await server.raw('eve', 'user_action')
  eve.sendUpdateFrame(encodeUpdate(forged))
  await until('eve is answered', () => eve.rejections.length > 0)
  expect(eve.rejections[0]?.code).toBe('forbidden_actor')
  ada.sendUpdateFrame(encodeUpdate(ahead))
  ada.sendUpdateFrame(encodeUpdate(first))
  await until('ben sees the money', () => shownTo(reader)?.status === 'captured')
  expect(ada.rejections).toEqual([])
})

it('[T93] of claims by writers that are gone the loser is told by its rule and pruned by the server', async () => {
  const ada = await server.connect('ada', 'user_action')
  const run = paymentsOf(ada.doc).startRun('o-7', ADA)
  await ada.whenDurable()
  const conflicts: Conflict[] = []
  ada.onConflict((conflict) => conflicts.push(conflict))
  const [first, second] = [await server.raw('ada', 'user_action'), await server.raw('bank', 'provider')]
  const captured = updateOn(first.doc, (copy) => void paymentsOf(copy).report('o-7', run, 'captured', ADA))
  const failed = updateOn(second.doc, (copy) => {
    paymentsOf(copy).report('o-7', run, 'failed', { ...BANK, error: 'no funds' })
  })
  for (const [client, update] of [
    [first, captured],
    [second, failed],
  ] as const) {
    client.sendUpdateFrame(encodeUpdate(update))
    await until('it is durable', () => client.framesDurable === client.framesSent)
    client.cut()
  }
  await until('the server has pruned', () => standing(ada.doc) === 1)
  expect(shownTo(ada)).toMatchObject({ status: 'captured', actor: 'ada' })
  await until('ada is told', () => conflicts.length > 0)
  expect(conflicts).toMatchObject([
    { block: 'b', field: 'payments/o-7', winner: { actor: 'ada' }, loser: { actor: 'bank', error: 'no funds' } },
  ])
  expect(conflicts[0]?.rule).toBe(ORDER_RULES[6])
})

it('[T94] undo takes back text of a block and never a status of an added list', async () => {
  const ada = await server.connect('ada', 'user_action')
  const block = ada.blocks.create('b', { type: 'text' })
  const run = block.claims(PAYMENTS).startRun('o-7', ADA)
  ada.undo.split()
  block.content.insert(0, 'typed')
  ada.undo.split()
  ada.transact(() => void block.claims(PAYMENTS).report('o-7', run, 'captured', ADA))
  expect(ada.undo.undo()).toBe(true)
  expect(block.text).toBe('')
  expect(shownTo(ada)).toMatchObject({ status: 'captured' })
})

it('[T95] the HTTP API shows, compares, describes and restores an added list', async () => {
  const ada = await server.connect('ada', 'user_action')
  const run = paymentsOf(ada.doc).startRun('o-7', { ...ADA, currency: 'EUR' })
  const { lsn: authorized } = await ada.whenDurable()
  paymentsOf(ada.doc).report('o-7', run, 'captured', { ...ADA, amount: 5 })
  const { lsn: captured } = await ada.whenDurable()
  const block = await server.ask('GET', '/blocks/b')
  expect(block.payments).toEqual([shownTo(ada)])
  const { changed } = await server.ask('GET', `/diff?from=${authorized}&to=${captured}`)
  expect(changed).toMatchObject([
    {
      id: 'b',
      payments: [{ order: 'o-7', before: { status: 'authorized' }, after: { status: 'captured', amount: 5 } }],
    },
  ])
  const restored = await server.ask('POST', '/restore', { lsn: authorized })
  expect(restored.touched).toEqual(['b/payments'])
  await until('ada sees the payment as it was', () => shownTo(ada)?.status === 'authorized')
  expect(shownTo(ada)).toMatchObject({ currency: 'EUR', run: { no: 2 }, actor: 'ada' })
  await server.ask('POST', '/restore', { lsn: captured })
  await until('ada sees the money', () => shownTo(ada)?.status === 'captured')
  expect(shownTo(ada)).toMatchObject({ amount: 5, currency: 'EUR', run: { no: 3 } })
  const nothing = await server.ask('POST', '/restore', { lsn: captured })
  expect(nothing.touched).toEqual([])
  const operations = [
    { op: 'patch', block: 'b', content: 'paid' },
    { op: 'patch', block: 'b', fields: { note: 'thanks' } },
  ]
  const { blocks } = await server.ask('POST', '/transactions', { operations })
  expect(blocks.b).toMatchObject({ content: 'paid', fields: { note: 'thanks' }, payments: [{ status: 'captured' }] })
  const description = await fetch(`${server.url}/v1/openapi.json`)
  expect(await description.text()).toContain('"enum":["authorized","failed","captured","refunded"]')
})

it('[T96] the change feed tells of an added list, live and from the log alike', async () => {
  const token = await makeToken()
  const events = (after: string) => `${server.url}/v1/workspaces/w/events?token=${token}${after}`
  const ada = await server.connect('ada', 'user_action')
  ada.blocks.create('b', { type: 'text' })
  await ada.whenDurable()
  const live = new FeedReader(events(''))
  await until('the feed is open', () => live.connections > 0)
  const run = paymentsOf(ada.doc).startRun('o-7', ADA)
  paymentsOf(ada.doc).report('o-7', run, 'captured', { ...ADA, amount: 3 })
  const { lsn } = await ada.whenDurable()
  await live.reach(lsn ?? 0)
  const told = live.events.flatMap(({ text }) => JSON.parse(text).blocks)
  expect(told.flatMap(({ payments }) => payments.map((each: { order: string }) => each.order))).toContain('o-7')
  expect(told.at(-1).payments.at(-1)).toMatchObject({ order: 'o-7', after: { status: 'captured', amount: 3 } })
  await live.stop()
  await server[Symbol.asyncDispose]()
  server = await startPaidServer(directory.path)
  const late = new FeedReader(events('&after=0'))
  await late.reach(lsn ?? 0)
  const known = new Map(late.events.map(({ lsn, text }) => [lsn, text]))
  for (const { lsn, text } of live.events) expect(known.get(lsn)).toBe(text)
  await late.stop()
})
