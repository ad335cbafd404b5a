import { encodeAwareness, encodeAwarenessStates, encodeSyncStep1, SILENCE_MAX_MS } from '@joinery/protocol'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { createAuthenticator, signToken } from '../identity.ts'
import { SERVER_LIMITS } from '../limits.ts'
import { GatedStore } from '../testing/gated-store.ts'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture } from '../testing/server-fixture.ts'
import { createServer } from './server.ts'

const SECRET = 'a secret of at least thirty-two bytes'
let fixture: ServerFixture
afterEach(() => fixture.close())

/** The HTTP status that a refused upgrade got. */
function statusOf(url: string, origin?: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, origin === undefined ? {} : { origin })
    ws.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode)
      response.resume()
      ws.terminate()
    })
    ws.on('open', () => reject(new Error('it was let in')))
    ws.on('error', () => undefined)
  })
}

const socketUrl = (): string => fixture.server.url.replace('http', 'ws')

describe('presence', () => {
  const awareness = (clientId: number, clock: number, json: string) =>
    encodeAwareness(encodeAwarenessStates([{ clientId, clock, json }]))

  it('[S12] awareness reaches the others and those who join later, and is gone when its connection is', async () => {
    fixture = await ServerFixture.start()
    const [ann, bob] = await Promise.all([fixture.client('w').synced(), fixture.client('w').synced()])
    ann.send(awareness(7, 1, '{"name":"ann"}'))
    const heard = (client: typeof ann, json: string) =>
      client.until(() =>
        client.frames.some((frame) => frame.type === 'awareness' && Buffer.from(frame.update).includes(json)),
      )
    await heard(bob, '{"name":"ann","joinery:actor":"anonymous"}')
    const late = fixture.client('w')
    await heard(late, '{"name":"ann","joinery:actor":"anonymous"}')
    ann.ws.terminate()
    await heard(bob, 'null')
  })
})

describe('heartbeat', () => {
  it('[S13] a silent client gets a data frame often enough for y-websocket, and pings, when nobody writes', async () => {
    fixture = await ServerFixture.start({ limits: { heartbeatMs: 20 } })
    const client = await fixture.client('w').synced()
    const pinged = new Promise((resolve) => client.ws.once('ping', resolve))
    const before = client.frames.length
    await client.until(() => client.frames.length >= before + 2)
    await pinged
    const last = client.frames.at(-1)
    expect(last?.type === 'awareness' && [...last.update]).toEqual([0])
    // Two heartbeats, and a sweep that is a second late, are shorter than the 25 s after which a stock client closes.
    expect(2 * SERVER_LIMITS.heartbeatMs).toBeLessThan(SILENCE_MAX_MS)
  })

  it('[S13] a connection that answers nothing is ended when two heartbeats have passed', async () => {
    fixture = await ServerFixture.start({ limits: { heartbeatMs: 20 } })
    const dead = await fixture.client('w').synced()
    const alive = await fixture.client('w').synced()
    dead.ws.pong = () => undefined
    ;(dead.ws as unknown as { _autoPong: boolean })._autoPong = false
    await dead.until(() => dead.closed !== undefined)
    expect(dead.closed?.code).toBe(1006)
    expect(alive.closed).toBeUndefined()
  })
})

describe('the log', () => {
  it('[S44] it says which connection was refused or ended and why, and holds no token', async () => {
    const lines: Record<string, unknown>[] = []
    const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) })
    fixture = await ServerFixture.start({ logger, authenticator: createAuthenticator({ secret: SECRET }) })
    const token = await signToken(SECRET, {
      sub: 'ada',
      workspaces: ['w'],
      access: 'write',
      sources: ['user_action'],
      exp: Math.floor(Date.now() / 1000) + 600,
    })
    expect(await statusOf(`${fixture.server.url.replace('http', 'ws')}/other?token=${token}`)).toBe(403)
    const ada = await fixture.client(`w?token=${token}`).synced()
    ada.ws.send('text')
    await ada.until(() => ada.closed !== undefined)
    await expect.poll(() => lines.length).toBe(2)
    expect(lines).toMatchObject([
      { msg: 'connection refused', code: 'forbidden', path: '/other', from: '127.0.0.1' },
      { msg: 'connection ended', workspace: 'w', actor: 'ada', reason: expect.stringContaining('bad_frame') },
    ])
    expect(JSON.stringify(lines)).not.toContain(token.split('.')[1])
    expect(fixture.server.counters.refusedConnections.get('forbidden')).toBe(1)
  })
})

describe('a slow reader', () => {
  it('[S14] it holds up nobody, is sent no more than its buffer, and converges when it reads again', async () => {
    fixture = await ServerFixture.start({ limits: { sendBufferBytesMax: 64 * 1024 } })
    const [slow, writer] = await Promise.all([fixture.client('w').synced(), fixture.client('w?joinery=1').synced()])
    slow.ws.pause()
    const piece = 'x'.repeat(100_000)
    for (let i = 0; i < 120; i++) {
      writer.text.insert(0, piece)
      await writer.until(() => writer.message('durable')?.frames === i + 2)
    }
    const framesBefore = slow.frames.length
    slow.ws.resume()
    await slow.until(() => slow.text.length === writer.text.length)
    expect(slow.frames.length - framesBefore).toBeLessThan(120)
    writer.text.insert(0, 'live again')
    await slow.until(() => slow.text.length === writer.text.length)
  })

  it('[S43] a client that asks for everything a thousand times and reads nothing costs little, and is answered once it reads', async () => {
    fixture = await ServerFixture.start({ limits: { sendBufferBytesMax: 64 * 1024 } })
    const [greedy, writer] = await Promise.all([fixture.client('w').synced(), fixture.client('w?joinery=1').synced()])
    writer.text.insert(0, 'x'.repeat(500_000))
    await greedy.until(() => greedy.text.length === 500_000)
    const before = greedy.frames.length
    greedy.ws.pause()
    const nothing = encodeSyncStep1(Uint8Array.of(1, 7, 0))
    for (let i = 0; i < 1_000; i++) greedy.send(nothing)
    greedy.text.insert(0, 'last')
    await writer.until(() => writer.text.length === 500_004)
    greedy.ws.resume()
    const answers = () => greedy.frames.slice(before).filter(({ type }) => type === 'syncStep2').length
    await greedy.until(() => answers() > 1)
    writer.text.insert(0, 'and on')
    await greedy.until(() => greedy.text.length === 500_010)
    expect(answers()).toBeLessThan(50)
  })
})

describe('generation', () => {
  it('[S16] hello carries the generation, the same after a restart, when a client asks for it', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const first = await fixture.client('w?joinery=1').synced()
    expect(first.frames[0]).toMatchObject({ type: 'joinery' })
    const { generation } = first.message('hello') ?? {}
    expect(generation).toMatch(/.{8,}/)
    await fixture.close()
    fixture = await ServerFixture.start({ store })
    const again = await fixture.client(`w?joinery=1&generation=${generation}`).synced()
    expect(again.message('hello')).toMatchObject({
      generation,
      actor: 'anonymous',
      access: 'write',
      durability: 'memory',
    })
  })

  it('[S16] a client whose local copy is of another generation is refused, and nothing of the copy is merged', async () => {
    fixture = await ServerFixture.start()
    const ours = await fixture.client('w').synced()
    const foreign = fixture.client('w?joinery=1&generation=another')
    foreign.text.insert(0, 'of another history')
    await foreign.until(() => foreign.closed !== undefined)
    expect(foreign.closed?.code).toBe(4409)
    const fresh = await fixture.client('w').synced()
    expect([ours.text.toString(), fresh.text.toString()]).toEqual(['', ''])
  })
})

describe('the upgrade', () => {
  it('[S17] a stock client gets an HTTP status, one of ours a close code with the reason, when it is refused', async () => {
    fixture = await ServerFixture.start({ authenticator: createAuthenticator({ secret: SECRET }) })
    expect(await statusOf(`${socketUrl()}/w`)).toBe(401)
    expect(await statusOf(`${socketUrl()}/a//b`)).toBe(404)
    const ours = fixture.client('w?joinery=1')
    await ours.until(() => ours.closed !== undefined)
    expect(ours.closed).toMatchObject({ code: 4401, reason: expect.stringMatching(/^unauthorized: /) })
    const nowhere = fixture.client('?joinery=1')
    await nowhere.until(() => nowhere.closed !== undefined)
    expect(nowhere.closed?.code).toBe(4404)
  })

  it('[S17] a connection ends with 4001, which is not final, when its token expires', async () => {
    const now = Date.now()
    const exp = Math.floor(now / 1000) + 600
    const token = await signToken(SECRET, {
      sub: 'a',
      workspaces: ['w'],
      access: 'write',
      sources: ['user_action'],
      exp,
    })
    const authenticate = createAuthenticator({ secret: SECRET })
    fixture = await ServerFixture.start({
      limits: { heartbeatMs: 10 },
      authenticator: async (credentials) => ({ ...(await authenticate(credentials)), expiresAtMs: Date.now() }),
    })
    const client = fixture.client(`w?token=${token}`)
    await client.until(() => client.closed !== undefined)
    expect(client.closed).toMatchObject({ code: 4001, reason: expect.stringContaining('fresh') })
  })

  it('[S18] a foreign page is refused when everyone is anonymous', async () => {
    fixture = await ServerFixture.start()
    expect(await statusOf(`${socketUrl()}/w`, 'https://evil.example')).toBe(403)
    await fixture.client('w', { origin: 'http://localhost:5173' }).synced()
  })

  it('[S104] createServer throws for an origin that would never match', async () => {
    fixture = await ServerFixture.start({ origins: ['app://x'] })
    expect(await statusOf(`${socketUrl()}/w`, 'app://y')).toBe(403)
    await fixture.client('w', { origin: 'app://x' }).synced()
    expect(() => createServer({ origins: ['https://*.example.org'] })).toThrow('wildcard')
  })

  it('[S19] listen refuses a host beyond loopback without keys, unless it is told that this is meant', async () => {
    fixture = await ServerFixture.start()
    await expect(createServer({ host: '0.0.0.0' }).listen()).rejects.toMatchObject({ code: 'insecure_host' })
    const meant = createServer({ host: '0.0.0.0', insecure: true })
    await meant.listen()
    await meant.close()
  })

  it('[S11] a connection more than the limit is told to connect later', async () => {
    fixture = await ServerFixture.start({ limits: { connectionsMax: 1 } })
    await fixture.client('w').synced()
    expect(await statusOf(`${socketUrl()}/w`)).toBe(503)
  })
})

describe('shutdown', () => {
  it('[S20] close makes all that was received durable and closes clients with a code to reconnect', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const clients = await Promise.all(Array.from({ length: 10 }, () => fixture.client('w?joinery=1').synced()))
    for (const client of clients) for (let i = 0; i < 50; i++) client.text.insert(0, 'x')
    await fixture.server.close()
    await Promise.all(clients.map((client) => client.until(() => client.closed !== undefined)))
    expect(new Set(clients.map((client) => client.closed?.code))).toEqual(new Set([1012]))
    const doc = new Y.Doc()
    for (const record of await store.records('w')) Y.applyUpdate(doc, record.update)
    expect(doc.getText('t').length).toBe(500)
    expect(store.openLogs).toBe(0)
  })
})

describe('fairness', () => {
  it('[S21] a connection that sends without end does not keep the others waiting until it is done', async () => {
    fixture = await ServerFixture.start({ limits: { tickBytesMax: 10_000 } })
    const [flood, other] = await Promise.all([
      fixture.client('a?joinery=1').synced(),
      fixture.client('b?joinery=1').synced(),
    ])
    for (let i = 0; i < 20_000; i++) flood.text.insert(i, 'x')
    other.text.insert(0, 'y')
    await other.until(() => other.message('durable')?.frames === 2)
    expect(flood.message('durable')?.frames ?? 0).toBeLessThan(20_001)
    await flood.until(() => flood.message('durable')?.frames === 20_001)
  })
})

describe('long messages', () => {
  it('[S198] are read a part at a time, one connection in each turn, and arrive', async () => {
    fixture = await ServerFixture.start({ limits: { tickBytesMax: 1_000 } })
    const other = await fixture.client('b?joinery=1').synced()
    const writers = await Promise.all([1, 2, 3].map((n) => fixture.client(`a${n}?joinery=1`).synced()))
    for (const writer of writers) writer.text.insert(0, 'x'.repeat(3_000_000))
    other.text.insert(0, 'y')
    const isDurable = (client: RawClient): boolean => client.message('durable')?.frames === 2
    await Promise.all([other, ...writers].map((client) => client.until(() => isDurable(client))))
  })
})

describe('health', () => {
  it('[S70] an idle HTTP connection is kept for longer than proxies keep theirs', async () => {
    fixture = await ServerFixture.start()
    const { headers } = await fetch(`${fixture.server.url}/healthz`)
    expect(Number(/timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1])).toBeGreaterThan(60)
  })

  it('[S22] /healthz says what is open when storage works, and other paths are the embedder’s', async () => {
    fixture = await ServerFixture.start({ request: (_request, response) => void response.end('mine') })
    await fixture.client('w').synced()
    const health = await fetch(`${fixture.server.url}/healthz`)
    expect([health.status, await health.json()]).toEqual([
      200,
      {
        status: 'ok',
        storage: 'open',
        rooms: 1,
        live: 0,
        cold: 1,
        quarantined: 0,
        documentBytes: 0,
        documentBytesMax: expect.any(Number),
        connections: 1,
        tcpConnections: 2,
        unadmitted: 0,
        unfinishedBytes: 0,
        unsentBytes: 0,
        held: 0,
        resting: 0,
        backlogBytes: 0,
        leases: 0,
        leaseWaiters: 0,
      },
    ])
    expect(await (await fetch(fixture.server.url)).text()).toBe('mine')
  })
})
