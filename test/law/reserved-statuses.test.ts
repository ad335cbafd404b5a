import { forkDoc, getBlock, PAYMENT } from '@joinery/blocks'
import type { Workspace } from '@joinery/client'
import { CLOSE } from '@joinery/protocol'
import { createAuthenticator } from '@joinery/server'
import { beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type Answer, HttpCaller } from '../api/http-caller.ts'
import { connect, type RunningServer } from '../client/fixture.ts'
import { startHttpServer } from '../client/http-server.ts'
import { RawClient } from '../support/raw-client.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { until, within } from '../support/until.ts'

const RUN = { no: 1, id: 'r1', source: 'user_action' } as const
const BLOCK = '/v1/workspaces/w/blocks/b'
const STATUS = `${BLOCK}/statuses/payment@1/o-7`
const UPDATE_TYPE = { 'content-type': 'application/octet-stream' }

/** Claims that say that the provider has captured Ada's payment, or something else that nobody but the provider may say. */
const CAPTURED = { machine: 'payment@1', name: 'o-7', run: RUN, status: 'captured', source: 'provider', at: 1 }
const FORGERIES: Readonly<Record<string, object>> = {
  'in her own name': { ...CAPTURED, actor: 'ada' },
  "in the provider's name": { ...CAPTURED, actor: 'bank' },
  'as a person': { ...CAPTURED, actor: 'ada', source: 'user_action' },
  'by a run of the provider': { ...CAPTURED, actor: 'ada', run: { no: 2, id: 'r2', source: 'provider' } },
  'of a payment that nobody has started': { ...CAPTURED, actor: 'ada', name: 'o-8' },
}

describe.each(['with tokens', 'in development mode'])('%s', (mode) => {
  const hasTokens = mode === 'with tokens'
  let server: RunningServer
  let ada: Workspace

  /** The query of a socket of an actor. */
  const queryOf = async (actor: string, source: string): Promise<Record<string, string>> =>
    hasTokens ? { token: await makeToken({ sub: actor, sources: [source] }), source } : { actor, source }

  async function enter(actor: string, source = 'user_action'): Promise<Workspace> {
    const { token } = await queryOf(actor, source)
    const workspace = connect(server, { actor, source, ...(token !== undefined && { token }) })
    await workspace.whenSynced
    return workspace
  }

  async function ask(method: string, path: string, body?: unknown, headers = {}, actor = 'ada'): Promise<Answer> {
    const { token } = await queryOf(actor, 'user_action')
    using caller = new HttpCaller(server.url.replace('ws:', 'http:'))
    const [name, value] = token === undefined ? ['x-joinery-actor', actor] : ['authorization', `Bearer ${token}`]
    return await caller.call(method, path, body, { [name]: value, ...headers })
  }

  /** The statuses of the block as the server shows them. */
  const shown = async () =>
    (await ask('GET', BLOCK)).json.statuses.map(({ name, status }: { name: string; status: string }) => [name, status])

  const push = (doc: Y.Doc, claim: object): void => {
    const list = getBlock(doc, 'b')?.map.get('statuses')
    if (!(list instanceof Y.Array)) throw new Error('the block has no statuses')
    list.push([claim])
  }

  /** The update that puts a claim into the block. */
  const updateWith = (claim: object): Uint8Array => {
    const doc = forkDoc(ada.doc)
    const before = Y.encodeStateVector(doc)
    push(doc, claim)
    return Y.encodeStateAsUpdate(doc, before)
  }

  beforeEach(async () => {
    server = await startHttpServer(hasTokens ? { authenticator: await createAuthenticator({ secret: SECRET }) } : {})
    ada = await enter('ada')
    const payments = ada.blocks.create('b', { type: 'text' }).statuses(PAYMENT)
    payments.startRun('o-7', { source: 'user_action', actor: 'ada', runId: RUN.id })
    await ada.whenDurable()
  })

  it.each(Object.entries(FORGERIES))(
    '[B108, T55] no socket, update or draft brings a claim %s that a payment is captured',
    async (_how, claim) => {
      const stock = await RawClient.open({ url: server.url, path: 'w', query: await queryOf('ada', 'user_action') })
      push(stock.doc, claim)
      expect(await within('the stock client is sent away', stock.ended)).toMatchObject({
        kind: 'close',
        code: CLOSE.forbidden,
      })

      const edits = ada.transactDurably(() => push(ada.doc, claim))
      await expect(edits).rejects.toMatchObject({ code: 'rejected' })
      const other = await enter('ada')
      const once = other.transactOnce(({ doc }) => push(doc, claim), { idempotencyKey: 'once' })
      await expect(once).rejects.toMatchObject({ code: 'rejected' })

      const lease = await other.leases.acquire('payments')
      for (const headers of [{}, { 'x-joinery-lease': lease.token }, { 'idempotency-key': 'k' }]) {
        const update = updateWith(claim)
        const brought = await ask('POST', '/v1/workspaces/w/update', update, { ...UPDATE_TYPE, ...headers })
        expect([brought.status, brought.json.error.code]).toEqual([403, 'update_refused'])
      }
      await lease.release()
      expect(await shown()).toEqual([['o-7', 'pending']])
    },
  )

  it('[B108, T55] no route and no transaction says that a payment is captured, whoever asks', async () => {
    const report = { op: 'reportStatus', block: 'b', machine: 'payment@1', name: 'o-7', run: 'r1', status: 'captured' }
    const start = { ...report, op: 'startStatus', name: 'o-8', run: undefined }
    for (const headers of [{}, { 'x-joinery-source': 'provider' }, { 'x-joinery-source': 'resources' }]) {
      const answers = [
        await ask('POST', `${STATUS}/runs/r1/reports`, { status: 'captured' }, headers),
        await ask('POST', `${STATUS}/runs`, { status: 'captured', runId: 'r2' }, headers),
        await ask('POST', '/v1/workspaces/w/transactions', { operations: [report] }, headers),
        await ask('POST', '/v1/workspaces/w/transactions', { operations: [start] }, headers),
      ]
      for (const { status, text } of answers) expect([403, 422], text).toContain(status)
    }
    expect(await shown()).toEqual([['o-7', 'pending']])
  })

  if (!hasTokens) return
  it('[B113] no socket, keyed edit, edit under a lease or update brings back what the provider said before its last word', async () => {
    const bank = await enter('bank', 'provider')
    const said: object[] = []
    for (const status of ['captured', 'refunded'] as const) {
      const payments = bank.blocks.get('b')?.statuses(PAYMENT)
      payments?.report('o-7', RUN, status, { source: 'provider', actor: 'bank' })
      await bank.whenDurable()
      said.push({ ...payments?.get('o-7') })
    }
    const [captured = {}, refunded = {}] = said
    const bring = (doc: Y.Doc, claim: object): void => {
      getBlock(doc, 'b')?.statuses(PAYMENT).remove('o-7')
      push(doc, claim)
    }
    const stock = await RawClient.open({ url: server.url, path: 'w', query: await queryOf('ada', 'user_action') })
    await using lease = await ada.leases.acquire('payments')
    const ways: Readonly<Record<string, (claim: object) => Promise<unknown>>> = {
      socket: async (claim) => {
        stock.doc.transact(() => bring(stock.doc, claim))
        await until('the edits of the stock client show', () =>
          Y.equalSnapshots(Y.snapshot(stock.doc), Y.snapshot(ada.doc)),
        )
      },
      sdk: (claim) => ada.transactDurably(() => bring(ada.doc, claim)),
      keyed: (claim) => ada.transactOnce(({ doc }) => bring(doc, claim), { idempotencyKey: JSON.stringify(claim) }),
      lease: (claim) => lease.transact(({ doc }) => bring(doc, claim)),
      update: (claim) => {
        const doc = forkDoc(ada.doc)
        const before = Y.encodeStateVector(doc)
        doc.transact(() => bring(doc, claim))
        return ask('POST', '/v1/workspaces/w/update', Y.encodeStateAsUpdate(doc, before), UPDATE_TYPE)
      },
    }
    for (const [way, take] of Object.entries(ways)) {
      await take(captured)
      expect([way, await shown()]).toEqual([way, []])
      await take(refunded)
      expect([way, await shown()]).toEqual([way, [['o-7', 'refunded']]])
    }
  })

  it('[B110, T55] no restore says what the provider has not said, and none unsays what it has', async () => {
    const lsn = async (): Promise<number> => (await ask('GET', BLOCK)).json.version
    const restore = async (to: number) => {
      const restored = await ask('POST', '/v1/workspaces/w/restore', { lsn: to })
      expect([restored.status, restored.text]).toEqual([200, expect.any(String)])
    }
    const bank = await enter('bank', 'provider')
    const say = async (status: 'captured' | 'refunded') => {
      bank.blocks.get('b')?.statuses(PAYMENT).report('o-7', RUN, status, { source: 'provider', actor: 'bank' })
      await bank.whenDurable()
      return lsn()
    }
    const pending = await lsn()
    const captured = await say('captured')
    await restore(pending)
    expect(await shown()).toEqual([['o-7', 'captured']])
    const refunded = await say('refunded')
    for (const to of [pending, captured]) {
      await restore(to)
      expect(await shown()).toEqual([['o-7', 'refunded']])
    }
    // Every writer may remove a status. A removed status does not come back as something that a person says.
    expect((await ask('DELETE', STATUS)).status).toBe(204)
    for (const to of [captured, refunded]) {
      await restore(to)
      expect(await shown()).toEqual([])
    }
    await ask('DELETE', BLOCK)
    await restore(refunded)
    expect(await shown()).toEqual([])
    await restore(pending)
    expect(await shown()).toEqual([['o-7', 'pending']])
  })
})
