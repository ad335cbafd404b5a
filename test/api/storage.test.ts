import { type ApiLimits, createApi } from '@joinery/api'
import { documentRules } from '@joinery/blocks'
import { LogError, openMemoryStore, type StoreState, type WorkspaceLog } from '@joinery/log'
import { DelegatingStore, StoreBoundLog } from '@joinery/log/testing'
import { createServer } from '@joinery/server'
import { expect, it } from 'vitest'
import { HttpCaller } from './http-caller.ts'

/** A real store that fails when a test says so. */
class FailingStore extends DelegatingStore {
  #state: StoreState = { state: 'open' }
  /** Awaited before an append counts as durable. */
  gate: Promise<void> = Promise.resolve()
  readError: Error | undefined
  /** Whether each append asked for an fsync of its own. */
  readonly synced: boolean[] = []

  constructor() {
    super(openMemoryStore())
  }

  override get state(): StoreState {
    return this.#state
  }

  override set state(state: StoreState) {
    this.#state = state
  }

  /** Fails as every read does, if the test has set an error for them. */
  override async openDamaged(): Promise<never> {
    throw this.readError ?? new LogError('invalid', 'nothing is damaged')
  }

  override async open(workspace: string): Promise<WorkspaceLog> {
    const log = new StoreBoundLog(await this.inner.open(workspace), this)
    const store = this
    log.append = (...args) => {
      const receipt = log.inner.append(...args)
      store.synced.push(args[1]?.sync === true)
      const { gate } = store
      return { ...receipt, durable: gate.then(() => receipt.durable) }
    }
    log.read = async function* (range) {
      if (store.readError !== undefined) throw store.readError
      yield* log.inner.read(range)
    }
    return log
  }
}

async function start(limits: Partial<ApiLimits> = {}) {
  await using stack = new AsyncDisposableStack()
  const store = new FailingStore()
  const server = createServer({
    store,
    rules: documentRules,
    limits: { roomIdleMs: 0, heartbeatMs: 5 },
    request: (request, response) => void api.handle(request, response),
  })
  const api = await createApi({
    workspaces: server.workspaces,
    durability: 'async',
    limits: { ...limits },
  })
  await server.listen()
  stack.defer(() => server.close())
  stack.defer(() => api.close())
  const caller = stack.use(new HttpCaller(server.url, {}, 2))
  const owned = stack.move()
  return { store, caller, url: server.url, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const BLOCK = '/v1/workspaces/w/blocks/b'

it('[H14] a full disk is 507 before anything is done, and the same request passes when there is room again', async () => {
  await using scene = await start()
  const { store, caller } = scene
  await caller.call('PUT', BLOCK, { type: 'text' })
  store.state = { state: 'failed', error: new LogError('storage_full', 'the disk is full') }
  const key = { 'idempotency-key': 'k' }
  const refused = await caller.call('PATCH', BLOCK, { content: 'x' }, key)
  expect(refused.status).toBe(507)
  expect(refused.json.error.code).toBe('storage_full')
  expect(refused.headers['retry-after']).toBeDefined()
  expect((await caller.call('GET', BLOCK)).json).toMatchObject({ content: '', version: 1 })
  store.state = { state: 'failed', error: new LogError('storage_failed', 'the disk is broken') }
  expect((await caller.call('PATCH', BLOCK, { content: 'x' }, key)).status).toBe(503)
  store.state = { state: 'open' }
  expect((await caller.call('PATCH', BLOCK, { content: 'x' }, key)).json).toMatchObject({ content: 'x', version: 2 })
})

it('[H14] a damaged workspace is 503 with the reason', async () => {
  await using scene = await start()
  const { store, caller } = scene
  await caller.call('PUT', BLOCK, { type: 'text' })
  store.readError = new LogError('corrupted', 'record 1 is damaged')
  await expect.poll(async () => (await caller.call('GET', BLOCK)).status).toBe(503)
  const { json } = await caller.call('GET', BLOCK)
  expect(json.error.code).toBe('quarantined')
  expect(json.error.message).toContain('record 1 is damaged')
})

it('[H17] a write that is not durable in time says so, and its repeat answers once it is', async () => {
  await using scene = await start({ durableWaitMs: 20 })
  const { store, caller } = scene
  await caller.call('PUT', BLOCK, { type: 'text' })
  const gate = Promise.withResolvers<void>()
  store.gate = gate.promise
  const key = { 'idempotency-key': 'k' }
  const late = await caller.call('PATCH', BLOCK, { fields: { n: 1 } }, key)
  expect(late.status).toBe(503)
  expect(late.json.error.code).toBe('not_durable_yet')
  expect((await caller.call('PATCH', BLOCK, { fields: { n: 1 } }, key)).json.error.code).toBe('not_durable_yet')
  gate.resolve()
  const answer = await caller.call('PATCH', BLOCK, { fields: { n: 1 } }, key)
  expect(answer.status).toBe(200)
  expect(answer.json).toMatchObject({ fields: { n: 1 }, version: 2 })
  expect((await caller.call('GET', '/v1/workspaces/w')).json.lsn).toBe(2)
})

it('[H17] a write that asks for it is fsynced at a server that promises less, and no other is', async () => {
  await using scene = await start()
  const { store, caller } = scene
  const ask = (n: number, durability?: string) =>
    caller.call(
      'PUT',
      BLOCK,
      { type: 'text', fields: { n } },
      durability === undefined ? {} : { 'x-joinery-durability': durability },
    )
  expect((await ask(1, 'sync')).status).toBe(201)
  expect((await ask(2)).status).toBe(200)
  expect((await ask(3, 'async')).status).toBe(200)
  const batch = { operations: [{ op: 'delete', block: 'b' }] }
  await caller.call('POST', '/v1/workspaces/w/transactions', batch, { 'x-joinery-durability': 'sync' })
  await caller.call('POST', '/v1/workspaces/w/restore', { lsn: 3 }, { 'x-joinery-durability': 'sync' })
  expect(store.synced).toEqual([true, false, false, true, true])
})

it('[H21] a feed keeps a record to itself until it is durable', async () => {
  await using scene = await start({ feedKeepAliveMs: 2 })
  const { store, caller, url } = scene
  await caller.call('PUT', BLOCK, { type: 'text' })
  const stop = new AbortController()
  const response = await fetch(`${url}/v1/workspaces/w/events?after=0`, { signal: stop.signal })
  const gate = Promise.withResolvers<void>()
  const decoder = new TextDecoder()
  let text = ''
  let sinceAppend: number | undefined
  let writing: Promise<unknown> | undefined
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    if (writing === undefined && text.includes('id: 1\n')) {
      store.gate = gate.promise
      writing = caller.call('PATCH', BLOCK, { content: 'x' })
    }
    if (sinceAppend === undefined && writing !== undefined) {
      const { json } = await caller.call('GET', '/v1/workspaces/w')
      if (json.lsn === 2) sinceAppend = text.length
    }
    // Several comments have come since the append: the event would be here if it were sent at once.
    if (sinceAppend !== undefined && text.length > sinceAppend + 200) {
      if (!text.includes('id: 2\n')) gate.resolve()
      else break
    }
  }
  stop.abort()
  const told = text.indexOf('id: 2\n')
  expect(told).toBeGreaterThan((sinceAppend ?? Number.NaN) + 200)
  await writing
})
