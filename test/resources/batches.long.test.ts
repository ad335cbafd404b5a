import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { ResourceScene } from './resource-scene.ts'

interface Stored {
  readonly id: string
  readonly name: string
  state: string
}

/** A service whose records are busy until somebody ends them. */
class Crm implements AsyncDisposable {
  readonly records = new Map<string, Stored>()
  /** Requests by method, the most that were under way at once, and those that wait for {@link open}. */
  readonly calls: string[] = []
  most = 0
  #now = 0
  #gate = Promise.withResolvers<void>()
  readonly #server = createServer((request, response) => {
    void (async () => {
      this.calls.push(request.method ?? '')
      this.most = Math.max(this.most, ++this.#now)
      const body = await text(request)
      if (request.method === 'POST') await this.#gate.promise
      this.#now--
      const id = request.method === 'POST' ? String(request.headers['idempotency-key']) : (request.url?.slice(1) ?? '')
      const { name = '' } = body === '' ? {} : (JSON.parse(body) as { name?: string })
      if (name.startsWith('bad')) return response.writeHead(422).end('{}')
      const record = this.records.get(id) ?? { id, name, state: 'busy' }
      this.records.set(id, record)
      if (request.method === 'DELETE') record.state = 'gone'
      response.end(JSON.stringify(record))
    })()
  })

  static async start(): Promise<Crm> {
    const crm = new Crm()
    crm.#server.listen(0, '127.0.0.1')
    await once(crm.#server, 'listening')
    return crm
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Lets the requests that make records go on, now and later. */
  open(): void {
    this.#gate.resolve()
  }

  idOf(name: string): string {
    return [...this.records.values()].find((record) => record.name === name)?.id ?? ''
  }

  get states(): Record<string, string> {
    return Object.fromEntries(Array.from(this.records.values(), ({ name, state }) => [name, state]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** Polls so seldom that only news can end them in the time of a test. */
const SELDOM = { firstMs: 900_000, maxMs: 900_000, timeoutMs: 86_400_000 }

const configOf = (crm: Crm) => ({
  adapters: {
    'sync@1': {
      ...{ kind: 'http', id: '/id', poll: SELDOM },
      sync: { method: 'POST', url: `${crm.url}/records`, body: { name: '{name}' } },
      query: { method: 'GET', url: `${crm.url}/{externalId}` },
      undo: { method: 'DELETE', url: `${crm.url}/{externalId}` },
      status: { at: '/state', map: { ready: 'synced', broken: 'failed' }, otherwise: 'syncing' },
      hook: { id: '/record' },
    },
  },
  hooks: { stripe: { scheme: 'stripe', secrets: ['stripe_hook'], machine: 'sync@1' } },
})

it('[RS65, RS66] events end the polls of a batch one by one, also after a kill, and one that is refused stops no other', async () => {
  await using crm = await Crm.start()
  await using scene = await ResourceScene.start({ resources: () => configOf(crm) })
  const names = [...Array.from({ length: 20 }, (_, n) => `r${n}`), 'bad']
  const items = names.map((name) => ({ block: 'order', name }))
  const start = { saga: 'sync@1.batch', input: { items } }
  const lost = { saga: 'sync@1.batch', input: { items: [...items, { block: 'nowhere', name: 'x' }] } }
  const path = (await scene.call('POST', `${scene.home}/tasks`, lost)).headers.location as string
  await expect.poll(async () => (await taskAt(scene, path)).state).toBe('failed')
  expect(crm.calls).toEqual([])
  expect(await scene.entry('r0', 'sync@1')).toBeUndefined()

  const batch = (await scene.call('POST', `${scene.home}/tasks`, start)).headers.location as string
  await expect.poll(() => crm.calls.length).toBe(8)
  // Runs of items whose turn has not come show that they wait.
  expect(await scene.entry('r19', 'sync@1')).toMatchObject({ status: 'pending', source: 'resources' })
  crm.open()
  for (const name of ['r0', 'r19']) await scene.shows(name, { status: 'syncing' }, 'sync@1')
  await scene.shows('bad', { status: 'failed' }, 'sync@1')
  expect(crm.most).toBe(8)
  await expect.poll(() => crm.calls.filter((method) => method === 'GET').length).toBe(20)

  const end = async (name: string): Promise<void> => {
    const record = crm.records.get(crm.idOf(name))
    if (record === undefined) throw new Error(`no record of ${name}`)
    record.state = 'ready'
    const event = JSON.stringify({ id: `evt_${name}`, type: 'record', record: record.id })
    expect((await scene.send(event)).status).toBe(202)
  }
  await end('r3')
  await scene.shows('r3', { status: 'synced' }, 'sync@1')
  const watch = async () => (await taskAt(scene, batch)).steps.find(({ name }) => name === 'watch')
  await expect.poll(watch).toMatchObject({ done: 1, total: 20 })
  const posts = crm.calls.filter((method) => method === 'POST').length
  await scene.killServer()
  for (const name of names.filter((each) => each !== 'r3' && each !== 'bad')) await end(name)
  await expect.poll(async () => (await taskAt(scene, batch)).state).toBe('done')
  for (const name of names.slice(0, 20)) expect((await scene.entry(name, 'sync@1'))?.status, name).toBe('synced')
  expect(crm.calls.filter((method) => method === 'POST')).toHaveLength(posts)
})

it('[RS65] a run goes on at once when an event tells of its resource, and a batch that is canceled is taken back', async () => {
  await using crm = await Crm.start()
  crm.open()
  await using scene = await ResourceScene.start({ resources: () => configOf(crm) })
  await scene.run('one', {}, { machine: 'sync@1' })
  await expect.poll(() => crm.calls).toEqual(['POST', 'GET'])
  const record = crm.records.get(crm.idOf('one'))
  if (record === undefined) throw new Error('no record')
  record.state = 'ready'
  await scene.send(JSON.stringify({ id: 'evt_1', type: 'record', record: record.id }))
  const ofRun = async () => (await scene.call('GET', `${scene.home}/tasks?saga=sync@1`)).json.tasks[0].state
  await expect.poll(ofRun, { message: 'the task of the run is done' }).toBe('done')

  const items = ['a', 'b', 'c'].map((name) => ({ block: 'order', name }))
  const input = { saga: 'sync@1.batch', input: { items } }
  const batch = (await scene.call('POST', `${scene.home}/tasks`, input)).headers.location as string
  await expect
    .poll(async () => (await taskAt(scene, batch)).steps.find(({ name }) => name === 'watch')?.state)
    .toBe('waiting')
  expect((await scene.call('POST', `${batch}/cancel`)).status).toBeLessThan(300)
  await expect.poll(async () => (await taskAt(scene, batch)).state).toBe('canceled')
  expect(crm.states).toMatchObject({ a: 'gone', b: 'gone', c: 'gone', one: 'ready' })
})

interface ShownTask {
  readonly state: string
  readonly steps: readonly { readonly name: string; readonly state: string; readonly done: number }[]
}

async function taskAt(scene: ResourceScene, path: string): Promise<ShownTask> {
  return (await scene.call('GET', path)).json.task
}
