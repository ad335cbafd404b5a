import { once } from 'node:events'
import { createServer as createReceiver, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createApi } from '@joinery/api'
import { claimListsWith, createBlock, defineDocumentRules } from '@joinery/blocks'
import { openLevelStore } from '@joinery/log'
import { Egress, Secrets } from '@joinery/resources'
import { createAuthenticator, createServer, signToken, type WorkspaceId } from '@joinery/server'
import pino from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { openServedOutbox } from './serve-outbox.mts'

const KEY = 'a secret of at least thirty-two bytes'
const WEBHOOK = `whsec_${Buffer.from('the secret of the receivers').toString('base64')}`
const logger = pino({ level: 'silent' })
const lists = claimListsWith([])

/** Paths and bodies of all deliveries. */
const told: { readonly path: string; readonly workspace: string; readonly from: number }[] = []
const receiver = createReceiver(async (request, response) => {
  const { data } = JSON.parse(await text(request))
  told.push({ path: request.url ?? '', workspace: data.workspace, from: data.lsn.from })
  response.writeHead(204).end()
})
let base: string
beforeAll(async () => {
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
})
afterAll(() => {
  receiver.closeAllConnections()
  receiver.close()
})

/** A server with one subscription of its file, over the data of a directory. */
async function serve(directory: string) {
  const store = await openLevelStore({ directory, durability: 'async' })
  let handle: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
  const authenticator = createAuthenticator({ secret: KEY })
  const server = createServer({
    ...{ store, authenticator, rules: defineDocumentRules({ lists }) },
    request: (request, response) => void handle?.(request, response),
  })
  const { workspaces } = server
  const settings = {
    subscriptions: { filed: subscription('/filed', { workspaces: ['file'] }) },
    secrets: new Secrets({ JOINERY_SECRET_RECEIVERS: WEBHOOK }),
    egress: new Egress({ allow: base }),
  }
  const outbox = await openServedOutbox(settings, { workspaces, store, lists, isShared: false, logger })
  const api = await createApi({ workspaces, durability: 'async', authenticator, lists, subscribed: outbox })
  handle = (request, response) => api.handle(request, response)
  await server.listen()
  return {
    outbox,
    async call(method: string, path: string, body?: unknown, operator = true) {
      const exp = Math.floor(Date.now() / 1_000) + 600
      const token = await signToken(KEY, {
        sub: 'op',
        workspaces: ['*'],
        access: 'write',
        sources: ['user_action'],
        exp,
        operator,
      })
      const answer = await fetch(`${server.url}/v1/subscriptions${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const said = await answer.text()
      return { status: answer.status, text: said, body: said === '' ? undefined : JSON.parse(said) }
    },
    async change(workspace: string, id: string): Promise<number> {
      const edit = { writer: { actor: 'Ada', source: 'user_action' }, via: 'test', payer: 'Ada' }
      const run = (doc: never) => createBlock(doc, id, { type: 'text' })
      return (await workspaces.write(workspace as WorkspaceId, { ...edit, run } as never)).lsn
    },
    async close() {
      await api.close()
      await server.close()
      await store.close()
    },
  }
}

function subscription(path: string, more: object = {}) {
  const timing = { coalesceMs: 1, retryMs: [10], disableAfterMs: 1_000 }
  return {
    url: `${base}${path}`,
    workspaces: ['shop*'],
    events: ['block'],
    secrets: ['receivers'],
    headers: {},
    ...timing,
    ...more,
  } as never
}

const toldAt = (path: string) => told.filter((each) => each.path === path).map(({ from }) => from)

it('[RS51, H129] operators put, change and remove subscriptions while the server runs, and a restart keeps them', async () => {
  const directory = await temporaryDirectory()
  let served = await serve(directory)
  await served.change('shop', 'before')
  expect(await served.call('PUT', '/crm', subscription('/crm'))).toMatchObject({
    status: 200,
    body: { subscription: { id: 'crm', from: 'api', secrets: ['receivers'] } },
  })
  const first = await served.change('shop', 'first')
  await expect.poll(() => toldAt('/crm')).toEqual([first])
  // The workspace is open: it goes on with the other endpoint.
  expect((await served.call('PUT', '/crm', subscription('/moved'))).status).toBe(200)
  const second = await served.change('shop', 'second')
  await expect.poll(() => toldAt('/moved')).toEqual([second])
  await served.close()

  served = await serve(directory)
  const third = await served.change('shop', 'third')
  await expect.poll(() => toldAt('/moved')).toEqual([second, third])
  const { body } = await served.call('GET', '')
  expect(body.subscriptions.map(({ id, from }: { id: string; from: string }) => [id, from])).toEqual([
    ['filed', 'file'],
    ['crm', 'api'],
  ])
  expect((await served.call('DELETE', '/crm')).status).toBe(204)
  expect((await served.call('PUT', '/other', subscription('/other'))).status).toBe(200)
  const fourth = await served.change('shop', 'fourth')
  await expect.poll(() => toldAt('/other')).toEqual([fourth])
  expect([toldAt('/moved'), toldAt('/crm')]).toEqual([[second, third], [first]])
  await served.close()
})

it('[H129] a subscription that is put is held to the rules of the file, for operators alone, and shows no secret', async () => {
  const served = await serve(await temporaryDirectory())
  const bad: [object, RegExp][] = [
    [subscription('', { url: 'https://127.0.0.1/' }), /public internet/],
    [subscription('', { url: 'ftp://a.example/' }), /https:/],
    [subscription('', { secrets: ['nowhere'] }), /there is no secret/],
    [subscription('', { secrets: [WEBHOOK] }), /./],
    [subscription('', { secrets: [] }), /./],
    [subscription('', { workspaces: ['a*b'] }), /\* at its end/],
    [subscription('', { headers: { Authorization: 'Bearer abc' } }), /is a secret/],
    [subscription('', { unknown: 1 }), /./],
  ]
  for (const [given, words] of bad) {
    const { status, text: said } = await served.call('PUT', '/crm', given)
    expect([status, said]).toEqual([422, expect.stringMatching(words)])
    expect(said).not.toContain(WEBHOOK)
  }
  expect((await served.call('PUT', '/BAD!', subscription('/crm'))).status).toBe(422)
  expect((await served.call('PUT', '/filed', subscription('/crm'))).text).toContain('configuration file')
  expect((await served.call('DELETE', '/filed')).status).toBe(422)
  expect((await served.call('DELETE', '/crm')).body).toMatchObject({ error: { code: 'unknown_subscription' } })
  expect((await served.call('GET', '/crm')).body).toMatchObject({ error: { code: 'unknown_subscription' } })
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/filed'],
    ['PUT', '/crm'],
    ['DELETE', '/crm'],
  ] as const)
    expect((await served.call(method, path, method === 'PUT' ? subscription('/crm') : undefined, false)).status).toBe(
      403,
    )
  const odd = subscription(`/crm?token=0a1b2c3d4e`, { headers: { 'x-name': 'Bearer abcdefghijklmnop' } })
  const { text: shown } = await served.call('PUT', '/crm', odd)
  expect(shown).not.toMatch(/0a1b2c3d4e|abcdefghijklmnop/)
  await served.close()
})
