import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { PAYMENT, SYNC } from '@joinery/blocks'
import { ADAPTER_KINDS, type ResourceAdapter, readResourcesConfig, Secrets, sagasOf } from '@joinery/resources'
import { failureOf } from '@joinery/worker'
import { expect, it } from 'vitest'
import { Ledger } from './ledger.ts'
import { stripeAt } from './resource-scene.ts'

const secrets = new Secrets({
  JOINERY_SECRET_STRIPE_TEST: 'sk_test_of_the_ledger',
  JOINERY_SECRET_CRM: 'hunter2hunter2',
})
const resource = { workspace: 'shop', block: 'order', machine: 'payment@1', name: 'a b/../c' }
const CARD = { amount: 1_250, currency: 'eur', payment_method: 'pm_card_visa' }

function adapterOf(given: object): ResourceAdapter {
  const [first] = readResourcesConfig(JSON.stringify(given), ADAPTER_KINDS).adapters
  if (first === undefined) throw new Error('no adapter')
  return first.kind.open(first.config, { machine: first.machine, secrets })
}

const contextOf = (key: string, detail: object, more: object = {}) => ({
  ...{ resource, detail: detail as never, key, attempt: 1, startedAt: Date.now(), beat: () => undefined },
  ...{ signal: new AbortController().signal, ...more },
})

it('[RS10] a payment whose key Stripe has forgotten is found, and not made again', async () => {
  await using ledger = await Ledger.start()
  const adapter = adapterOf(stripeAt(ledger))
  await adapter.sync(contextOf('k1', CARD))
  ledger.keyLifetimeMs = 0
  // The search shows a payment only after a while: the second look finds it.
  ledger.searchDelayMs = Number.POSITIVE_INFINITY
  let looks = 0
  ledger.onRequest = (path) => {
    if (path.endsWith('/search') && ++looks === 2) ledger.searchDelayMs = 0
  }
  const [saga] = sagasOf({ adapter, machine: PAYMENT as never, secrets, lookAgainMs: 5 })
  const sync = saga?.definition.steps[0]?.options
  const context = contextOf('k1', CARD, { attempt: 2, startedAt: Date.now() - 24 * 3_600_000 })
  const reported: unknown[] = []
  const result = await sync?.run?.({
    ...context,
    ...{
      workspace: 'shop',
      task: 't1',
      input: { ...resource, run: { no: 1, id: 'r', source: 'user_action' }, detail: CARD },
    },
    edit: (edit: (draft: object) => unknown) => edit({ reportStatus: (...told: unknown[]) => reported.push(told) }),
  } as never)
  expect(result).toMatchObject({ status: 'captured', externalId: 'pi_1' })
  expect({ looks, posts: ledger.posts.length, charged: ledger.charged.length }).toEqual({
    looks: 2,
    posts: 1,
    charged: 1,
  })
  expect(reported).toMatchObject([['order', { machine: 'payment@1', status: 'captured', task: 't1' }]])
})

it('[RS12] the same key makes one payment, whatever is lost or doubled, and an answer of 500 is unsure', async () => {
  await using ledger = await Ledger.start()
  const adapter = adapterOf(stripeAt(ledger))
  const faults = [{ lose: true }, { drop: true }, { double: true }]
  ledger.fault = () => faults.shift() ?? {}
  const failures: string[] = []
  for (let attempt = 1; attempt <= 4; attempt++) {
    await adapter
      .sync(contextOf('k1', CARD, { attempt }))
      .catch((error: unknown) => failures.push(failureOf(error).class))
  }
  expect([...new Set(failures)]).toEqual(['unsure'])
  expect(ledger.charged).toHaveLength(1)
  ledger.fault = () => ({ fail: true })
  await adapter.sync(contextOf('k2', CARD)).catch((error: unknown) => failures.push(failureOf(error).class))
  expect({ failures: failures.at(-1), charged: ledger.charged.length }).toEqual({ failures: 'unsure', charged: 1 })
})

it('[RS12] taking back refunds once, cancels the rest, and takes a payment that is gone for done', async () => {
  await using ledger = await Ledger.start()
  const adapter = adapterOf(stripeAt(ledger, { capture: 'manual' }))
  await adapter.sync(contextOf('k1', CARD))
  expect(ledger.intents.get('pi_1')?.status).toBe('requires_capture')
  expect(await adapter.sync(contextOf('k2', { action: 'capture', id: 'pi_1' }))).toMatchObject({ status: 'captured' })
  expect(await adapter.sync(contextOf('k2', { action: 'capture', id: 'pi_1' }))).toMatchObject({ status: 'captured' })
  const undo = contextOf('k3', CARD, { externalId: 'pi_1' })
  await adapter.undo?.(undo)
  await adapter.undo?.({ ...undo, key: 'k4' })
  expect(ledger.intents.get('pi_1')?.latest_charge).toMatchObject({ refunded: true, amount_refunded: 1_250 })
  await adapter.sync(contextOf('k5', CARD))
  const second = [...ledger.intents.keys()].at(-1)
  await adapter.undo?.(contextOf('k6', CARD, { externalId: second }))
  expect(ledger.intents.get(second ?? '')?.status).toBe('canceled')
  await adapter.undo?.(contextOf('k7', CARD))
})

/** A service that remembers the calls it got. */
async function service(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void) {
  const calls: { method?: string; url?: string; headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { method = '', url = '', headers } = request
      calls.push({ method, url, headers, body })
      answer(request, response, body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    calls,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const crm = (url: string, more: object = {}) => ({
  adapters: {
    'sync@1': {
      kind: 'http',
      sync: {
        method: 'POST',
        url: `${url}/records/{name}?from={workspace}`,
        headers: { authorization: { secret: 'crm', prefix: 'Bearer ' } },
        body: { amount: '{detail.amount}', text: 'of {block}', missing: '{detail.none}' },
      },
      query: { method: 'GET', url: `${url}/records/{externalId}` },
      undo: { method: 'DELETE', url: `${url}/records/{externalId}` },
      id: '/record/id',
      status: { at: '/record/state', map: { ready: 'synced', broken: 'failed' }, otherwise: 'syncing' },
      error: '/record/why',
      detail: { link: '/record/link' },
      ...more,
    },
  },
})

it('[RS11, RS12] a payment that Stripe has not ended in time says that nobody looks any more, and a run looks again', async () => {
  await using ledger = await Ledger.start()
  const adapter = adapterOf(stripeAt(ledger))
  const before = await adapter.sync(contextOf('k1', { amount: 100, currency: 'eur' }))
  expect(before).toMatchObject({ status: 'requires_action', isSettled: false })
  const [saga] = sagasOf({ adapter, machine: PAYMENT as never, secrets })
  const stall = saga?.definition.steps.find(({ name }) => name === 'stall')
  const reported: unknown[] = []
  stall?.options.run?.({
    ...{
      results: { sync: before, watch: null },
      task: 't1',
      input: { ...resource, run: { no: 1, id: 'r' }, detail: {} },
    },
    edit: (edit: (draft: object) => unknown) =>
      edit({ reportStatus: (_: string, told: object) => reported.push(told) }),
  } as never)
  const overdue = expect.stringMatching(/nobody looks at it any more: .*"action":"look"/)
  expect(reported).toMatchObject([{ status: 'requires_action', detail: { amount: 100, id: 'pi_1', overdue } }])
  expect(reported).not.toMatchObject([{ stalled: expect.anything() }])
  const look = contextOf('k2', { action: 'look', id: 'pi_1' })
  ledger.move('pi_1', 'payment_intent.succeeded', Ledger.charge)
  expect(await adapter.sync(look)).toMatchObject({ status: 'captured', isSettled: true })
  // A look has done nothing that could be taken back.
  await adapter.undo?.({ ...look, externalId: 'pi_1' })
  expect(ledger.charged).toHaveLength(1)
  const others = { ...look, resource: { ...resource, name: 'another' } }
  await expect(adapter.sync(others)).rejects.toThrow('belongs to another resource')
})

it('[RS13] a service is called as the configuration says, and its answer is read by places', async () => {
  let answer: object = { record: { id: 17, state: 'ready', link: '/r/17' } }
  await using crmService = await service((_request, response) => response.end(JSON.stringify(answer)))
  const adapter = adapterOf(crm(crmService.url))
  const observed = await adapter.sync(contextOf('k1', { amount: 5 }))
  expect(observed).toEqual({ status: 'synced', externalId: '17', detail: { link: '/r/17' } })
  const [call] = crmService.calls
  expect(call).toMatchObject({ method: 'POST', url: '/records/a%20b%2F..%2Fc?from=shop' })
  expect(call?.headers).toMatchObject({ authorization: 'Bearer hunter2hunter2', 'idempotency-key': 'k1' })
  expect(JSON.parse(call?.body ?? '')).toEqual({ amount: 5, text: 'of order', missing: null })
  answer = { record: { state: 'constructor', why: 'no' } }
  expect(await adapter.query?.(contextOf('', {}, { externalId: '17' }))).toMatchObject({
    status: 'syncing',
    externalId: '17',
  })
})

it('[RS4] the words of a service leave the worker without secrets', async () => {
  const signed = 'https://b.example/k?X-Amz-Signature=0a1b2c'
  const words = `no: hunter2hunter2 may not read ${signed}`
  await using crmService = await service((_request, response) =>
    response.end(JSON.stringify({ record: { id: 'a', state: 'broken', why: words } })),
  )
  const adapter = adapterOf(crm(crmService.url, { detail: { why: '/record/why' } }))
  const [saga] = sagasOf({ adapter, machine: SYNC as never, secrets })
  const run = saga?.definition.steps[0]?.options.run
  const reported: { error?: string; detail?: { why: string } }[] = []
  const context = {
    ...{ ...contextOf('k', {}), workspace: 'shop', task: 't1' },
    input: { block: 'order', name: 'n', run: { no: 1, id: 'r', source: 'user_action' }, detail: {} },
    edit: (edit: (draft: object) => unknown) =>
      edit({ reportStatus: (_: string, told: object) => reported.push(told) }),
  } as never
  const result = await run?.(context)
  const clean = 'no: [secret] may not read https://b.example/k?X-Amz-Signature=[secret]'
  expect([reported[0]?.error, (result as { error: string }).error]).toEqual([clean, clean])
  expect([reported[0], result]).toMatchObject([{ detail: { why: clean } }, { detail: { why: clean } }])
  const failing = {
    ...adapter,
    machine: 'sync@1',
    host: 'x',
    sync: () => Promise.reject(new Error('a', { cause: new Error(words) })),
  }
  const [other] = sagasOf({ adapter: failing, machine: SYNC as never, secrets })
  const refused = await Promise.resolve(other?.definition.steps[0]?.options.run?.(context)).catch(
    (error: unknown) => error,
  )
  expect(failureOf(refused).error).toBe(`a: ${clean}`)
})

it('[RS45] a value that would lead out of its part of a URL is refused, and nothing is called', async () => {
  await using crmService = await service((_request, response) => response.end('{}'))
  const adapter = adapterOf(crm(crmService.url))
  for (const name of ['.', '..']) {
    const refused = await adapter
      .sync(contextOf('k', {}, { resource: { ...resource, name } }))
      .catch((error: unknown) => error)
    expect(failureOf(refused)).toMatchObject({ class: 'permanent', error: expect.stringContaining(`"${name}"`) })
    const query = adapter.query?.(contextOf('', {}, { externalId: name }))
    await expect(query).rejects.toMatchObject({ code: 'rejected' })
  }
  expect(crmService.calls).toEqual([])
})

it('[RS13] statuses of HTTP say whether to try again, and one that is gone needs no taking back', async () => {
  let status = 200
  await using crmService = await service((_request, response) =>
    response.writeHead(status, { 'retry-after': '7' }).end(status === 200 ? '<html>' : 'secret words of the service'),
  )
  const adapter = adapterOf(crm(crmService.url))
  const failure = async () => failureOf(await adapter.sync(contextOf('k', {})).catch((error: unknown) => error))
  expect(await failure()).toMatchObject({ class: 'unsure', error: expect.stringMatching(/is no JSON/) })
  for (const [code, expected] of [
    [400, 'permanent'],
    [302, 'permanent'],
    [409, 'transient'],
    [429, 'throttled'],
    [500, 'unsure'],
    [503, 'throttled'],
  ] as const) {
    status = code
    const told = await failure()
    expect(told, String(code)).toMatchObject({ class: expected, retryAfterMs: 7_000 })
    expect(told.error).not.toContain('secret words')
  }
  status = 404
  await expect(adapter.undo?.(contextOf('k', {}, { externalId: '17' }))).resolves.toBeUndefined()
  await expect(adapter.undo?.(contextOf('k', {}))).resolves.toBeUndefined()
})

it('[RS13] a host that a run fills in is held to the rules of egress', async () => {
  await using listener = await service((_request, response) => response.end('{}'))
  const port = new URL(listener.url).port
  const sync = { method: 'POST', url: 'http://{detail.host}/hook' }
  const adapter = adapterOf(crm(listener.url, { sync }))
  for (const host of [`127.0.0.1:${port}`, 'localhost', '[::1]', '169.254.169.254']) {
    const error = await adapter.sync(contextOf('k', { host })).catch((caught: unknown) => caught)
    expect(failureOf(error).class, host).toBe('permanent')
  }
  expect(listener.calls).toEqual([])
  expect(SYNC.table.failures).toEqual(['failed'])
})

it('[RS11] a resource that is not settled is looked at until it is, and what could not be shown takes nothing back', async () => {
  let state = 'busy'
  await using crmService = await service((_request, response) =>
    response.end(JSON.stringify({ record: { id: 'a', state } })),
  )
  const poll = { firstMs: 1_000, maxMs: 60_000, timeoutMs: 3_600_000, giveUpAfterMs: 36_000_000 }
  const adapter = adapterOf(crm(crmService.url, { poll }))
  const [saga] = sagasOf({ adapter, machine: SYNC as never, secrets })
  const [sync, watch, stall, late, giveUp] = saga?.definition.steps ?? []
  expect(watch?.options).toMatchObject({
    onFailure: 'continue',
    giveUpAfterMs: 3_600_000,
    retry: { firstMs: 1_000, maxMs: 60_000 },
  })
  expect(stall?.options.onFailure).toBe('continue')
  const reported: object[] = []
  const contextWith = (results: object) =>
    ({
      ...contextOf('k', {}),
      ...{ results, workspace: 'shop', task: 't1' },
      input: { block: 'order', name: 'n', run: { no: 1, id: 'r', source: 'user_action' }, detail: {} },
      edit: (edit: (draft: object) => unknown) =>
        edit({ reportStatus: (_: string, told: object) => reported.push(told) }),
    }) as never
  expect(late?.options).toMatchObject({
    onFailure: 'continue',
    giveUpAfterMs: 32_400_000,
    retry: { attempts: 100, firstMs: 324_000, maxMs: 324_000 },
  })
  const before = await sync?.options.run?.(contextWith({}))
  expect(before).toMatchObject({ status: 'syncing' })
  await expect(watch?.options.run?.(contextWith({ sync: before }))).rejects.toThrow('it is syncing yet')
  state = 'ready'
  expect(await watch?.options.run?.(contextWith({ sync: before }))).toMatchObject({ status: 'synced' })
  expect(stall?.options.run?.(contextWith({ sync: before, watch: null }))).toBeNull()
  // One that is late is looked at further, and has failed after the time of the configuration.
  const found = await late?.options.run?.(contextWith({ sync: before, watch: null }))
  expect(found).toMatchObject({ status: 'synced' })
  expect(giveUp?.options.run?.(contextWith({ sync: before, watch: null, late: found }))).toBeNull()
  expect(giveUp?.options.run?.(contextWith({ sync: before, watch: null, late: null }))).toBeNull()
  expect(reported).toMatchObject([
    { status: 'syncing' },
    { status: 'synced' },
    { status: 'syncing', stalled: { why: expect.any(String) } },
    { status: 'synced' },
    { status: 'failed', error: expect.stringContaining('within 36000000 ms') },
  ])
  // Without that time nobody looks at one that is stalled.
  const plain = sagasOf({
    ...{ machine: SYNC as never, secrets },
    adapter: adapterOf(crm(crmService.url, { poll: { firstMs: 1, maxMs: 1, timeoutMs: 1 } })),
  })
  const [, , , plainLate, plainGiveUp] = plain[0]?.definition.steps ?? []
  const results = { sync: before, watch: null, late: null }
  for (const each of [plainLate, plainGiveUp]) expect(await each?.options.run?.(contextWith(results))).toBeNull()
  expect(reported).toHaveLength(5)
  expect(() => adapterOf(crm('https://crm.example', { poll: { ...poll, giveUpAfterMs: 3_600_000 } }))).toThrow(
    /giveUpAfterMs must be above timeoutMs/,
  )
})

it('[RS66] an item of a batch that the service never ends holds up no other: it is stalled when the poll is over, or has failed', async () => {
  const items = ['ended', 'silent', 'refused'].map((name) => ({ block: 'order', name, detail: {} }))
  const open = { status: 'syncing', externalId: 'a', isSettled: false }
  const sync = [{ status: 'synced', isSettled: true }, open, { status: 'failed', isSettled: true }]
  const endWith = async (poll: object): Promise<object[]> => {
    // Nobody listens there: the service never says anything.
    const adapter = adapterOf(crm('http://127.0.0.1:9', { poll }))
    const saga = sagasOf({ adapter, machine: SYNC as never, secrets }).find(({ name }) => name === 'sync@1.batch')
    const [, , watch, end] = saga?.definition.steps ?? []
    const reported: object[] = []
    const given = {
      ...{ input: { items }, results: { begin: 't1', sync, watch: [null] }, task: 't1', workspace: 'shop' },
      edit: (edit: (draft: object) => unknown) =>
        edit({ reportStatus: (_: string, told: object) => reported.push(told) }),
    }
    const watched = (await watch?.options.items?.(given as never)) ?? []
    expect(watched).toMatchObject([{ name: 'silent', run: { id: 't1-1' } }])
    const look = watch?.options.run?.({ ...contextOf('k', {}), ...given, item: watched[0] } as never)
    await expect(look).rejects.toThrow()
    expect(watch?.options).toMatchObject({ onFailure: 'continue', giveUpAfterMs: Math.max(...Object.values(poll)) })
    expect(await end?.options.run?.(given as never)).toBeNull()
    return reported
  }
  const poll = { firstMs: 1_000, maxMs: 60_000, timeoutMs: 3_600_000 }
  const about = { name: 'silent', run: 't1-1', task: 't1', detail: { id: 'a' } }
  expect(await endWith(poll)).toMatchObject([
    { ...about, status: 'syncing', stalled: { why: expect.stringContaining('has not ended it in time') } },
  ])
  expect(await endWith({ ...poll, giveUpAfterMs: 36_000_000 })).toMatchObject([
    { ...about, status: 'failed', error: expect.stringContaining('within 36000000 ms') },
  ])
})
