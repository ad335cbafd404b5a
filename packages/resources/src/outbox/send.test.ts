import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { Egress } from '../egress/egress.ts'
import { verify } from '../hooks/signatures.ts'
import { Secrets } from '../secrets/secrets.ts'
import { Slots } from '../slots.ts'
import { Endpoint } from './endpoint.ts'
import { type OutboxEvent, OutboxFold } from './outbox-fold.ts'
import { send } from './send.ts'
import { type Subscription, subscriptionsSchema } from './subscription-config.ts'

const SECRET = `whsec_${Buffer.from('a secret of 24 characters').toString('base64')}`
const secrets = new Secrets({ JOINERY_SECRET_CRM: SECRET })
const DAY_MS = 24 * 3_600_000

async function endpointAt(answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  const { crm } = subscriptionsSchema.parse({ crm: { url, workspaces: ['*'], secrets: ['crm'] } })
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
  }
  return {
    subscription: crm as Subscription,
    egress: new Egress({ allow: url.replace('/hook', '') }),
    [Symbol.asyncDispose]: close,
  }
}

it('[RS35, RS36] the answer of an endpoint says how a delivery goes on, and 429 and 503 when', async () => {
  let answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>> } = { status: 204 }
  const seen: boolean[] = []
  await using endpoint = await endpointAt(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const signed = { headers: request.headers, body: Buffer.concat(chunks) }
    seen.push(verify('standard', signed, [SECRET], Date.now()).verdict === 'good')
    response.writeHead(answer.status, answer.headers).end('words of the endpoint')
  })
  const { subscription, egress } = endpoint
  const attempt = async (status: number, headers: Readonly<Record<string, string>> = {}) => {
    answer = { status, headers }
    return await send(egress, secrets, subscription, { id: 'evt_1', body: '{}' }, new AbortController().signal)
  }
  expect(await attempt(204)).toEqual({ outcome: 'sent' })
  expect(await attempt(410)).toMatchObject({ outcome: 'gone' })
  expect(await attempt(400, { 'webhook-delivery': 'abort-message' })).toEqual({ outcome: 'refused' })
  expect(await attempt(302, { location: 'https://example.com/' })).toMatchObject({
    outcome: 'failed',
    why: expect.stringMatching(/redirect/),
  })
  for (const status of [429, 503]) {
    expect(await attempt(status, { 'retry-after': '7' })).toMatchObject({ outcome: 'failed', retryAfterMs: 7_000 })
    // A pause of a week is one of a day.
    expect(await attempt(status, { 'retry-after': '604800' })).toMatchObject({ retryAfterMs: DAY_MS })
    const later = new Date(Date.now() + 3_600_000).toUTCString()
    const { retryAfterMs } = (await attempt(status, { 'retry-after': later })) as { retryAfterMs: number }
    expect(Math.abs(retryAfterMs - 3_600_000)).toBeLessThan(60_000)
    for (const none of [{ 'retry-after': 'soon' }, {}] as Readonly<Record<string, string>>[]) {
      expect(await attempt(status, none)).toMatchObject({ outcome: 'failed', retryAfterMs: undefined })
    }
  }
  const failed = await attempt(500, { 'retry-after': '7' })
  expect(failed).toMatchObject({ outcome: 'failed', retryAfterMs: undefined })
  expect(JSON.stringify(failed)).not.toContain('words of the endpoint')
  expect(new Set(seen)).toEqual(new Set([true]))
})

it('[RS36] an endpoint is disabled once it has failed for disableAfterMs, and not before', async () => {
  const { crm } = subscriptionsSchema.parse({
    crm: { url: 'https://crm.example', workspaces: ['*'], secrets: ['crm'], disableAfterMs: 5 * DAY_MS },
  })
  const failingSince = (since: number) => {
    const fold = new OutboxFold()
    const noted: string[] = []
    const endpoint = new Endpoint({
      ...{
        name: 'crm',
        subscription: crm as Subscription,
        secrets,
        egress: new Egress(),
        slots: new Slots({ all: 1, each: 1 }),
      },
      failing: () => fold.failing.get('crm'),
      note: (event) => {
        noted.push(event.type)
        fold.take({ ...event, subscription: 'crm' } as OutboxEvent, since)
      },
    })
    return { endpoint, noted, fold }
  }
  const early = failingSince(Date.now() - 4 * DAY_MS)
  early.endpoint.fails()
  early.endpoint.fails()
  expect([early.noted, early.endpoint.isDisabled]).toEqual([['failing'], false])
  early.endpoint.works()
  expect(early.endpoint.failing).toBeUndefined()
  const late = failingSince(Date.now() - 6 * DAY_MS)
  late.endpoint.fails()
  late.endpoint.fails()
  expect([late.noted, late.endpoint.isDisabled]).toEqual([['failing', 'disabled'], true])
  expect(late.endpoint.failing?.disabled).toMatch(/nothing could be delivered since/)
  // A success of a replay does not enable it: an operator does.
  late.endpoint.works()
  expect(late.endpoint.isDisabled).toBe(true)
})
