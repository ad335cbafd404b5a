import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startOldNats } from '@joinery/cluster/testing'
import { signStandard } from '@joinery/resources'
import { signToken } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import { WebhookReceiver } from '../resources/webhook-receiver.ts'
import { joinery } from '../support/command.ts'
import { RawClient } from '../support/raw-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { SECRET } from '../support/tokens.ts'
import { ClusterScene, type RunningNode } from './cluster-scene.ts'

const readiness = async ({ url }: RunningNode) =>
  (await (await fetch(`${url}/readyz`)).json()) as Record<string, unknown>
const put = (node: RunningNode, block: string, content: string, workspace = 'demo') =>
  fetch(`${node.url}/v1/workspaces/${workspace}/blocks/${block}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'text', content }),
  })
const metricOf = async ({ url }: RunningNode, name: string): Promise<number> =>
  Number(new RegExp(`^${name} (\\d+)`, 'm').exec(await (await fetch(`${url}/metrics`)).text())?.[1])
const contentOf = async (node: RunningNode, block: string): Promise<unknown> =>
  ((await (await fetch(`${node.url}/v1/workspaces/demo/blocks/${block}`)).json()) as { content?: unknown }).content

describe('two nodes', () => {
  it('[A130] any node takes requests and sockets of a workspace, also after its owner was drained', async (context) => {
    await using scene = await ClusterScene.start(context)
    const one = await scene.node('n1')
    const two = await scene.node('n2')
    // Both ask for new workspaces at the same time, and either may come first.
    for (const name of ['x', 'y', 'z']) {
      const both = [one, two].map(async (node, n) => (await put(node, `first-${n}`, 'by both', name)).status)
      expect(await Promise.all(both)).toEqual([201, 201])
    }
    expect((await put(one, 'a', 'by one')).status).toBe(201)
    expect((await put(two, 'b', 'by two')).status).toBe(201)
    expect(await contentOf(one, 'b')).toBe('by two')
    const metrics = await (await fetch(`${two.url}/metrics`)).text()
    expect(metrics).toMatch(/joinery_cluster_passed_requests_total [1-9]/)
    const client = await RawClient.open({ url: two.socketUrl, path: 'demo', wantsJoinery: true })
    expect(await readiness(one)).toMatchObject({ status: 'ready', cluster: { node: 'n1', isDraining: false } })

    const drained = await scene.command('drain', 'n1')
    expect(drained.output).toContain('owns no workspace any more')
    expect(await client.ended).toMatchObject({ kind: 'close', code: 1012 })
    expect(await readiness(one)).toMatchObject({ status: 'not_ready', cluster: { isDraining: true } })
    const again = await RawClient.open({ url: one.socketUrl, path: 'demo', wantsJoinery: true })
    await again.close()
    expect([await contentOf(one, 'a'), await contentOf(two, 'b')]).toEqual(['by one', 'by two'])
    const status = JSON.parse((await scene.command('status', '--json')).stdout) as { nodes: unknown[] }
    expect(status.nodes).toMatchObject([
      { node: 'n1', answers: true, isDraining: true, owned: 0 },
      { node: 'n2', answers: true, isDraining: false, owned: expect.any(Number) },
    ])
    await expect
      .poll(async () => (await scene.command('check', '--load')).output)
      .toMatch(/n1 equal, n2 equal[\s\S]*agree/)
    expect((await two.child.end('SIGTERM')).code).toBe(0)
    expect((await one.child.end('SIGTERM')).code).toBe(0)
  })

  it('[A130] a node that passes sockets on ends by SIGTERM, and their clients hear 1012', async (context) => {
    await using scene = await ClusterScene.start(context)
    const one = await scene.node('n1')
    const two = await scene.node('n2')
    expect((await put(one, 'a', 'by one')).status).toBe(201)
    const client = await RawClient.open({ url: two.socketUrl, path: 'demo', wantsJoinery: true })
    await client.synced
    expect((await two.child.end('SIGTERM')).code).toBe(0)
    expect(await client.ended).toMatchObject({ kind: 'close', code: 1012 })
    expect(await contentOf(one, 'a')).toBe('by one')
  })

  it('[A131] another node has all that was acknowledged when the owner is killed, and its clients connect again', async (context) => {
    await using scene = await ClusterScene.start(context)
    const one = await scene.node('n1')
    const two = await scene.node('n2')
    for (const block of ['a', 'b', 'c']) expect((await put(one, block, `the ${block}`)).status).toBe(201)
    await expect.poll(() => contentOf(two, 'c')).toBe('the c')
    const client = await RawClient.open({ url: two.socketUrl, path: 'demo', wantsJoinery: true })
    await client.synced
    await one.child.end('SIGKILL')
    expect(await client.ended).toMatchObject({ kind: 'close', code: 1012 })
    await expect.poll(async () => (await put(two, 'd', 'the d')).status).toBe(201)
    for (const block of ['a', 'b', 'c', 'd']) expect(await contentOf(two, block)).toBe(`the ${block}`)
    expect(await (await fetch(`${two.url}/metrics`)).text()).toMatch(/joinery_cluster_takeovers_total [1-9]/)
  })
})

describe('a task', () => {
  it('[A132] whose machine has died goes on elsewhere, and no step that is done runs again', async (context) => {
    await using scene = await ClusterScene.start(context)
    await using home = await tempDirectory()
    const work = ['--work', fileURLToPath(new URL('steps.ts', import.meta.url)), '--limits', 'tasks.leaseMs=2000']
    const [one, ...others] = await Promise.all(['n1', 'n2', 'n3'].map((name) => scene.node(name, { more: work })))
    if (one === undefined) throw new Error('there is no node')
    const start = () =>
      fetch(`${one.url}/v1/workspaces/demo/tasks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'once' },
        body: JSON.stringify({ saga: 'three-steps', input: home.path }),
      })
    // The node knows of the saga once its worker has met it.
    await expect.poll(async () => (await start()).status).toBe(202)
    // As a caller who has missed the answer: the key gives the same task.
    const { task } = (await (await start()).json()) as { task: { id: string } }
    await expect.poll(() => existsSync(`${home.path}/second`)).toBe(true)
    await one.child.end('SIGKILL')
    writeFileSync(`${home.path}/go`, '')
    const stateOf = async (node: RunningNode): Promise<unknown> =>
      (
        (await (await fetch(`${node.url}/v1/workspaces/demo/tasks/${task.id}`)).json()) as {
          task?: { state?: unknown }
        }
      ).task?.state
    // Nobody asks for the workspace until the task has gone on.
    await expect.poll(() => existsSync(`${home.path}/third`)).toBe(true)
    for (const node of others) await expect.poll(() => stateOf(node)).toBe('done')
    const keysOf = (name: string): string[] => readFileSync(`${home.path}/${name}`, 'utf8').trim().split('\n')
    expect(keysOf('first')).toHaveLength(1)
    expect(new Set(keysOf('second')).size).toBe(1)
    expect(keysOf('third')).toHaveLength(1)
    expect(await contentOf(others[0] as RunningNode, 'third')).toBe('Third.')
  })
})

describe('the worker of one node', () => {
  it('[A132, J110, J111] runs the steps of all nodes, and goes on with one whose owner is killed meanwhile', async (context) => {
    await using scene = await ClusterScene.start(context)
    await using home = await tempDirectory()
    const env = { JOINERY_JWT_SECRET: SECRET }
    const steps = fileURLToPath(new URL('steps.ts', import.meta.url))
    const owners = await Promise.all([scene.node('n1', { env }), scene.node('n2', { env })])
    const three = await scene.node('n3', { env, more: ['--work', steps] })
    const rights = { access: 'write' as const, workspaces: ['*'], sources: ['user_action'] }
    const exp = Math.floor(Date.now() / 1_000) + 3_600
    const headers = {
      authorization: `Bearer ${await signToken(SECRET, { sub: 'Ada', ...rights, exp })}`,
      'content-type': 'application/json',
    }
    const places = await Promise.all(
      owners.map(async (node, n) => {
        const directory = join(home.path, String(n))
        mkdirSync(directory)
        const path = `/v1/workspaces/of-${node.name}/tasks`
        const body = JSON.stringify({ saga: 'three-steps', input: directory })
        // Each node hears of the saga once the worker has met it.
        const start = async (): Promise<number> => {
          const answer = await fetch(`${node.url}${path}`, { method: 'POST', headers, body })
          return answer.status
        }
        await expect.poll(start).toBe(202)
        return { directory, path }
      }),
    )
    for (const { directory } of places) await expect.poll(() => existsSync(`${directory}/second`)).toBe(true)
    await owners[0]?.child.end('SIGKILL')
    for (const { directory } of places) writeFileSync(`${directory}/go`, '')
    for (const { directory, path } of places) {
      const states = async (): Promise<unknown> =>
        ((await (await fetch(`${three.url}${path}`, { headers })).json()) as { tasks?: unknown }).tasks
      await expect.poll(states).toMatchObject([{ state: 'done' }])
      for (const name of ['first', 'second', 'third'])
        expect(readFileSync(`${directory}/${name}`, 'utf8').trim().split('\n')).toHaveLength(1)
    }
    expect(await metricOf(three, 'joinery_cluster_brought_steps_total')).toBeGreaterThan(0)
  })
})

describe('webhooks', () => {
  it('[RS38, RS61, RS62] go on at another node when the owner has died, and those that come in may come to any node', async (context) => {
    const key = `whsec_${Buffer.from('a secret of 24 characters').toString('base64')}`
    await using receiver = await WebhookReceiver.start(() => [key])
    let state = 'new'
    await using service = await startService(() => ({ key: 'ext-1', state }))
    await using scene = await ClusterScene.start(context)
    await using home = await tempDirectory()
    const told = { url: receiver.url, workspaces: ['*'], secrets: ['hook'], coalesceMs: 10, retryMs: [100, 100, 100] }
    const map = { new: 'pending', busy: 'syncing', ready: 'synced' }
    const adapter = {
      ...{ kind: 'http', sync: { method: 'POST', url: service.url }, query: { method: 'GET', url: service.url } },
      ...{ id: '/key', status: { at: '/state', map, otherwise: 'failed' }, hook: { id: '/id' } },
    }
    const resources = {
      subscriptions: { s: told },
      adapters: { 'sync@1': adapter },
      hooks: { crm: { scheme: 'standard', secrets: ['hook'], machine: 'sync@1' } },
    }
    writeFileSync(`${home.path}/resources.json`, JSON.stringify(resources))
    const env = {
      JOINERY_RESOURCES: `${home.path}/resources.json`,
      JOINERY_EGRESS_ALLOW: `${new URL(receiver.url).origin},${service.url}`,
      JOINERY_SECRET_HOOK: key,
    }
    const one = await scene.node('n1', { env })
    expect((await put(one, 'a', 'by one')).status).toBe(201)
    await receiver.told('demo', 1)
    // The service's event comes to a node that knows neither its id nor its workspace.
    const path = '/v1/workspaces/demo/blocks/a/statuses/sync@1/main'
    const shownBy = async ({ url }: RunningNode): Promise<unknown> =>
      ((await (await fetch(`${url}${path}`)).json()) as { entry?: object }).entry
    const run = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    expect((await fetch(`${one.url}${path}/runs`, run)).status).toBe(201)
    await expect.poll(() => shownBy(one)).toMatchObject({ status: 'pending', detail: { id: 'ext-1' } })
    const two = await scene.node('n2', { env })
    const send = async (event: string): Promise<number> => {
      const body = JSON.stringify({ id: 'ext-1' })
      const signed = signStandard(event, Math.floor(Date.now() / 1_000), Buffer.from(body), [key])
      return (await fetch(`${two.url}/v1/hooks/crm`, { method: 'POST', body, headers: { ...signed } })).status
    }
    state = 'busy'
    expect(await send('evt_1')).toBe(202)
    await expect.poll(() => shownBy(one)).toMatchObject({ status: 'syncing' })
    // The endpoint is away, and the owner dies with what it could not tell.
    receiver.answer = () => 'hang'
    const late = Number((await put(one, 'b', 'by one')).headers.get('x-joinery-lsn'))
    await expect.poll(() => receiver.received.some(({ status }) => status === 0)).toBe(true)
    await expect.poll(() => contentOf(two, 'b')).toBe('by one')
    await one.child.end('SIGKILL')
    receiver.answer = () => 204
    // Nobody asks for the workspace until it is told.
    await receiver.told('demo', late)
    const bodies = new Map(receiver.received.map(({ id, body }) => [id, body]))
    expect(receiver.received.every(({ id, body }) => bodies.get(id) === body)).toBe(true)
    expect(receiver.taken.filter(({ data }) => data.lsn.from === 1)).toHaveLength(1)
    state = 'ready'
    expect(await send('evt_2')).toBe(202)
    await expect.poll(() => shownBy(two)).toMatchObject({ status: 'synced' })
  })
})

describe('a wrong configuration', () => {
  it('[A133] is refused with a line that says what to do', async (context) => {
    await using scene = await ClusterScene.start(context)
    await using home = await tempDirectory()
    const one = await scene.node('n1')
    const refused = async (...args: string[]): Promise<string> => {
      const ran = await joinery(...args)
      expect(ran.exit.code).not.toBe(0)
      expect(ran.output.trim().split('\n')).toHaveLength(1)
      return ran.output
    }
    const serve = (node: string, ...args: string[]): Promise<string> => {
      const place = ['--node', node, '--advertise', '127.0.0.1:1', '--data', join(home.path, crypto.randomUUID())]
      return refused('serve', '--port', '0', '--log-level', 'silent', ...place, ...args)
    }
    const nobody = ['--cluster', 'nats://127.0.0.1:1']
    const old = await startOldNats('2.10.27')
    const cluster = ['--cluster', scene.natsUrl]
    const said = await Promise.all([
      serve('n9', ...nobody),
      serve('n9', '--cluster', old.url),
      serve('n9', ...cluster, '--monitors', 'http://127.0.0.1:1'),
      serve('n1', ...cluster),
      refused('cluster', 'status', ...nobody),
      refused('cluster', 'drain', 'n7', ...cluster),
      refused('cluster', 'stepdown', 'JY_META', ...cluster),
    ])
    expect(said).toEqual([
      expect.stringContaining('no NATS server answers at nats://127.0.0.1:1: start one'),
      expect.stringContaining('this is NATS 2.10.27: the cluster needs'),
      expect.stringContaining('no monitoring port of NATS answers'),
      expect.stringContaining('a living node has the name n1: give this one another name'),
      expect.stringContaining('no NATS server answers'),
      expect.stringContaining('no node n7 answers'),
      expect.stringMatching(/server/),
    ])
    await old.close()
    await one.child.end('SIGTERM')
    expect(await refused('serve', '--port', '0', '--data', one.directory)).toContain('belongs to a node of the cluster')
    await using other = await ClusterScene.start(context)
    const elsewhere = other.args('n1', 1).map((arg) => (arg.endsWith('/n1') ? one.directory : arg))
    expect(await refused(...elsewhere)).toContain('the engine has nothing of it: correct the addresses')
    await other.node('n2')
    expect(await refused(...elsewhere)).toContain('belongs to another cluster')
  })

  it('[A133] an engine that goes away is told by readiness, and what a node has acknowledged stays', async (context) => {
    await using scene = await ClusterScene.start(context)
    const one = await scene.node('n1', { more: ['--limits', 'roomIdleMs=1'] })
    expect((await put(one, 'a', 'kept')).status).toBe(201)
    // The room closes: the workspace is opened anew while the engine is away.
    await expect.poll(() => metricOf(one, 'joinery_rooms')).toBe(0)
    await scene.stopEngine()
    await expect.poll(() => readiness(one)).toMatchObject({ status: 'not_ready' })
    expect(JSON.stringify(await readiness(one))).toMatch(/cluster: .* See that most NATS servers run/)
    expect(one.child.output()).toMatch(/nobody has checked that NATS syncs its disk.*NATS has one copy of each edit/s)
    expect(await contentOf(one, 'a')).toBe('kept')
    expect(JSON.stringify(await readiness(one))).toContain('1 workspaces are shown from this node’s own copies')
    const refused = await put(one, 'b', 'later')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await refused.json()).toMatchObject({ error: { code: 'unavailable' } })
    const reader = await RawClient.open({ url: one.socketUrl, path: 'demo', wantsJoinery: true })
    await reader.synced
    await reader.close()
  })
})

/** A service that says the same of all that it is asked about. */
async function startService(said: () => object): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    request.resume()
    response.setHeader('content-type', 'application/json').end(JSON.stringify(said()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const end = async (): Promise<void> => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: end }
}
