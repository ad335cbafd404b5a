import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { CLOSE } from '@joinery/protocol'
import type { ServerOptions } from '@joinery/server'
import { afterEach, describe, expect, it } from 'vitest'
import { type GatewayNode, GatewayScene, SECRET, W } from '../testing/gateway-scene.ts'
import { HOP_HEADER, hopHeader } from './hop.ts'

let scene = new GatewayScene()
afterEach(async () => {
  await scene.close()
  scene = new GatewayScene()
})

/** Answers with what it was asked, and with the client's address as the server sees it. */
async function echo(asked: IncomingMessage, response: ServerResponse): Promise<void> {
  const body: Buffer[] = []
  for await (const bytes of asked) body.push(bytes)
  const { method, url, headers } = asked
  response.writeHead(200, { 'x-echo': 'yes' }).end(
    JSON.stringify({
      method,
      url,
      host: headers.host,
      forwarded: headers['x-forwarded-for'],
      body: String(Buffer.concat(body)),
    }),
  )
}

describe('sockets', () => {
  it('[Q40] a client of another node edits with those of the owner, and the owner alone has a room', async () => {
    const { one, two } = await scene.ownedByOne()
    const ada = await one.server.client('w?joinery=1').synced()
    const bob = await two.server.client('w?joinery=1&actor=bob').synced()
    bob.text.insert(0, 'by two')
    await ada.until(() => ada.text.toString() === 'by two')
    await bob.until(() => bob.message('durable')?.frames === bob.sentUpdates)
    ada.text.insert(0, 'by one, ')
    await bob.until(() => bob.text.toString() === 'by one, by two')
    expect([one.server.server.load().rooms, two.server.server.load().rooms]).toEqual([1, 0])
    expect(two.gateway.counts).toMatchObject({ openPipes: 1, pipes: 1, cuts: 0 })
    bob.ws.close(1000)
    await bob.until(() => bob.closed !== undefined)
    expect(bob.closed?.code).toBe(1000)
    await expect.poll(() => two.gateway.counts.openPipes).toBe(0)
    expect(two.gateway.counts.bytes).toBeGreaterThan(100)
  })

  it('[Q40] a node that has not heard of the owner yet asks the engine before it takes the workspace for nobody’s', async () => {
    const one = await scene.node('one')
    const two = await scene.deafNode('two')
    await one.server.client('w?joinery=1').synced()
    const bob = await two.server.client('w?joinery=1').synced()
    expect(two.gateway.counts.pipes).toBe(1)
    expect(bob.closed).toBeUndefined()
  })

  it('[Q40] the owner says who is let in, by its own close code', async () => {
    const { two } = await scene.ownedByOne({
      authenticator: async ({ actor = 'ada' }) => {
        if (actor === 'eve') throw new Error('no')
        return { actor, source: 'user_action', access: 'write', isAuthenticated: true, allows: () => true } as never
      },
    })
    const eve = two.server.client('w?joinery=1&actor=eve')
    await eve.until(() => eve.closed !== undefined)
    expect(eve.closed?.code).toBe(CLOSE.tryLater)
  })

  it('[Q44] clients hear 1012 from their gateway when their workspace has another owner, and their edits are there', async () => {
    const { one, two } = await scene.ownedByOne()
    const three = await scene.node('three')
    const bob = await two.server.client('w?joinery=1').synced()
    await three.ownership.seize(W)
    await bob.until(() => bob.closed !== undefined)
    expect(bob.closed).toMatchObject({ code: CLOSE.restart, reason: expect.stringContaining('moved') })
    await scene.whenOwned(two, three)
    await two.server.client('w?joinery=1').synced()
    expect(three.server.server.load().rooms).toBe(1)
    expect(one.server.server.load().rooms).toBe(0)
  })

  it('[Q45] a node that gives its workspaces away passes those of nobody on', async () => {
    const one = await scene.node('one')
    const two = await scene.node('two')
    await expect.poll(() => one.nodes.list().length).toBe(2)
    await one.nodes.drain()
    await one.server.client('w?joinery=1').synced()
    expect([one.server.server.load().rooms, two.server.server.load().rooms]).toEqual([0, 1])
  })
})

describe('an owner that has died behind a balancer which takes connections for it', () => {
  const info = { node: 'dead', session: 'dead-1', version: '0.1.0', isDraining: false }

  /** Another node, while the workspace belongs to the dead one. */
  async function survivor(isListed: boolean): Promise<{ node: GatewayNode; close: () => void }> {
    const balancer = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(balancer, 'listening')
    const address = `127.0.0.1:${(balancer.address() as AddressInfo).port}`
    const engine = scene.engine.connect('dead')
    if (isListed) await engine.live.create('node.dead', Buffer.from(JSON.stringify({ ...info, address })))
    await engine.meta.create('own.dw', Buffer.from(JSON.stringify({ ...info, address })))
    return { node: await scene.node('two'), close: () => balancer.close() }
  }

  it('[Q45] is not asked any more once its entry has ended', async () => {
    const { node, close } = await survivor(false)
    await node.server.client('w?joinery=1').synced()
    expect(node.server.server.load().rooms).toBe(1)
    close()
  })

  it('[Q45] is asked on the engine when its connection ends without a word, and the next client is served', async () => {
    const { node, close } = await survivor(true)
    const first = node.server.client('w?joinery=1')
    await first.until(() => first.closed !== undefined)
    await expect.poll(() => node.nodes.isGone(info.session)).toBe(true)
    await node.server.client('w?joinery=1').synced()
    expect(node.server.server.load().rooms).toBe(1)
    close()
  })
})

describe('questions of a node', () => {
  it('[Q80] bear the headers of the client that they are made for, with a body of their own, and say that a node makes them', async () => {
    const answers: string[] = []
    const request = async (asked: IncomingMessage, response: ServerResponse): Promise<void> => {
      const { one, two } = nodes
      if (asked.url !== '/first') return echo(asked, response)
      const question = {
        method: 'POST',
        target: '/second?x=1',
        body: { to: 'one' },
        signal: new AbortController().signal,
      } as const
      expect(two.gateway.isPassed(asked)).toBe(false)
      const { status, body } = await two.gateway.ask(one.info, asked, question)
      answers.push(`${status} ${body}`)
      response.end()
    }
    const nodes = await scene.ownedByOne({ request })
    const headers = { 'content-type': 'application/json', authorization: 'Bearer x' }
    await fetch(`${nodes.two.server.server.url}/first`, {
      method: 'POST',
      body: '{"long": "body of the client"}',
      headers,
    })
    const { host } = new URL(nodes.two.server.server.url)
    const told = { method: 'POST', url: '/second?x=1', host, forwarded: '127.0.0.1', body: '{"to":"one"}' }
    expect(answers).toEqual([`200 ${JSON.stringify(told)}`])
    await nodes.one.close()
    await expect(askOf(nodes.two, nodes.one)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  const askOf = (from: GatewayNode, to: GatewayNode) => {
    const caller = { headers: {}, rawHeaders: [], socket: { remoteAddress: '10.0.0.1' } } as never
    return from.gateway.ask(to.info, caller, { method: 'GET', target: '/', signal: new AbortController().signal })
  }
})

describe('who is passed on', () => {
  const upgrade = (headers: string): string =>
    `GET /w HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`
  const hopTo = (node: GatewayNode, client: string): string => {
    const hop = { client, session: node.info.session, method: 'GET', target: '/w' }
    return `${HOP_HEADER}: ${hopHeader(SECRET, hop)}\r\n`
  }

  it('[Q41] a header that no node has made for this request is refused', async () => {
    const { one } = await scene.ownedByOne({ request: echo })
    const proofs = [
      `${HOP_HEADER}: me\r\n`,
      `${HOP_HEADER}: 1 10.0.0.1 ${one.info.session} ${'A'.repeat(43)}\r\n`,
      hopTo(one, '10.0.0.1').replace('10.0.0.1', '10.0.0.2'),
    ]
    for (const header of proofs) {
      const client = scene.open(one)
      client.socket.write(upgrade(header))
      await expect.poll(() => client.heard).toMatch(/^HTTP\/1\.1 403 [\s\S]*only nodes of this cluster/)
      const plain = scene.open(one)
      plain.socket.write(`GET /of/w HTTP/1.1\r\nHost: localhost\r\n${header}\r\n`)
      await expect.poll(() => plain.heard).toMatch(/^HTTP\/1\.1 403 /)
    }
  })

  it('[Q41] nothing is passed on twice: a request of another node for a workspace that is elsewhere hears moved', async () => {
    const { two } = await scene.ownedByOne()
    const client = scene.open(two)
    client.socket.write(upgrade(hopTo(two, '10.0.0.1')))
    await expect.poll(() => client.heard).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"moved"/)
  })

  it('[Q41, Q45] a request for an earlier run of the owner hears moved, and the node that is asked next has the workspace', async () => {
    const { one, two } = await scene.ownedByOne()
    await one.close()
    const again = await scene.node('one')
    const { session } = one.info
    const owner = { node: 'one', session, address: again.info.address }
    await scene.engine.connect('x').meta.create('own.dw', Buffer.from(JSON.stringify(owner)))
    await expect.poll(() => two.ownership.ownerOf(W)?.session).toBe(session)
    const client = scene.open(again)
    client.socket.write(upgrade(hopTo(one, '10.0.0.1')))
    await expect.poll(() => client.heard).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"moved"/)
    await two.server.client('w?joinery=1').synced()
    expect([again, two].map(({ server }) => server.server.load().rooms)).toEqual([0, 1])
  })

  it('[Q42] the owner counts clients of other nodes by their own address', async () => {
    const { one } = await scene.ownedByOne({ limits: { connectionsPerAddressMax: 2 } })
    const status = async (client: string): Promise<string> => {
      const opened = scene.open(one)
      opened.socket.write(upgrade(hopTo(one, client)))
      await expect.poll(() => opened.heard).toMatch(/^HTTP\/1\.1 \d+ [\s\S]*\r\n\r\n/)
      return opened.heard.slice(9, 12)
    }
    const clients = ['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.1', '10.0.0.2', '10.0.0.2', '10.0.0.3']
    const statuses = []
    for (const client of clients) statuses.push(await status(client))
    expect(statuses).toEqual(['101', '101', '101', '503', '101', '503', '101'])
  })
})

describe('two first clients of a new workspace at two nodes', () => {
  /** Two nodes, each of which is told that nobody has the workspace until the other one has asked, too. */
  async function racers(options: ServerOptions = {}): Promise<GatewayNode[]> {
    const both = Promise.withResolvers<void>()
    let asked = 0
    const racer = (name: string): Promise<GatewayNode> => {
      const engine = scene.engine.connect(name)
      const get = engine.meta.get.bind(engine.meta)
      const gated = async (key: string) => {
        if (key !== 'own.dw') return await get(key)
        const entry = await get(key)
        if (++asked === 2) both.resolve()
        await both.promise
        return entry
      }
      return scene.node(name, options, undefined, { ...engine, meta: { ...engine.meta, get: gated } })
    }
    return [await racer('one'), await racer('two')]
  }
  const roomsOf = (nodes: readonly GatewayNode[]) => nodes.map(({ server }) => server.server.load().rooms).sort()

  it('[Q46] are both served: one node has the workspace, and the other passes its client on', async () => {
    const nodes = await racers()
    const clients = nodes.map(({ server }) => server.client('w?joinery=1'))
    for (const client of clients) await client.synced()
    const [ada, bob] = clients as [(typeof clients)[0], (typeof clients)[0]]
    ada.text.insert(0, 'by ada')
    await bob.until(() => bob.text.toString() === 'by ada')
    expect(clients.map(({ closed }) => closed)).toEqual([undefined, undefined])
    expect(roomsOf(nodes)).toEqual([0, 1])
    expect(nodes.map(({ gateway }) => gateway.counts.pipes).sort()).toEqual([0, 1])
  })

  it('[Q46] are both answered, with the body of each', async () => {
    const nodes = await racers({
      request: (request, response) => {
        const node = nodes.find(({ server }) => server.server.url.endsWith(`:${request.socket.localPort}`))
        void node?.server.server.passOn(request, response).then(async (isPassed) => {
          if (!isPassed) await echo(request, response)
        })
      },
    })
    const asks = nodes.map(async ({ server }, n) => {
      const answer = await fetch(`${server.server.url}/of/w`, { method: 'PUT', body: `body ${n}` })
      return ((await answer.json()) as { body: unknown }).body
    })
    expect(await Promise.all(asks)).toEqual(['body 0', 'body 1'])
    expect(nodes.map(({ gateway }) => gateway.counts.requests).sort()).toEqual([0, 1])
  })
})

describe('requests', () => {
  const ask = async (node: GatewayNode, path: string, init?: RequestInit) =>
    await fetch(`${node.server.server.url}${path}`, init)

  it('[Q40] a request goes to the owner with its body, its host and its headers, and its answer comes back', async () => {
    const { two } = await scene.ownedByOne({ request: echo })
    const body = 'x'.repeat(300_000)
    const answer = await ask(two, '/of/w?q=1', { method: 'POST', body, headers: { 'X-Forwarded-For': '9.9.9.9' } })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-echo')).toBe('yes')
    expect(await answer.json()).toEqual({
      method: 'POST',
      url: '/of/w?q=1',
      host: new URL(two.server.server.url).host,
      forwarded: '9.9.9.9, 127.0.0.1',
      body,
    })
    expect(two.gateway.counts.requests).toBe(1)
    expect((await ask(two, '/elsewhere')).status).toBe(200)
    expect(two.gateway.counts.requests).toBe(1)
  })

  it('[Q40] two requests of one connection go to their own workspaces', async () => {
    const { two } = await scene.ownedByOne({ request: echo })
    const client = scene.open(two)
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    client.socket.write(get('/of/w') + get('/of/v') + get('/of/w'))
    await expect
      .poll(() => client.heard.match(/"url":"[^"]+"/g))
      .toEqual(['/of/w', '/of/v', '/of/w'].map((p) => `"url":"${p}"`))
  })

  it('[Q44] an owner that ends before it answers is a 502, and in the middle of an answer the end of the connection', async () => {
    const owner = createServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.once('data', (head) => {
        if (head.includes('/of/w/middle')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
        else socket.destroy()
        setImmediate(() => socket.destroy())
      })
    }).listen(0, '127.0.0.1')
    await once(owner, 'listening')
    const { port } = owner.address() as { port: number }
    const one = await scene.node('one', {}, `127.0.0.1:${port}`)
    const two = await scene.node('two')
    await one.server.client('w?joinery=1').synced()
    await scene.whenOwned(two, one)
    const lost = await ask(two, '/of/w')
    expect(lost.status).toBe(502)
    expect(await lost.json()).toMatchObject({ error: { code: 'owner_lost' } })
    const half = await ask(two, '/of/w/middle')
    await expect(half.text()).rejects.toThrow()
    const socket = two.server.client('w?joinery=1')
    await socket.until(() => socket.closed !== undefined)
    owner.close()
  })
})
