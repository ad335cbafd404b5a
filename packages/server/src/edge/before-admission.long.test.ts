import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { type Authenticator, createAuthenticator } from '../identity.ts'
import { keptBytes } from '../testing/kept-bytes.ts'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture } from '../testing/server-fixture.ts'
import { SECRET, tokenOf } from '../testing/test-token.ts'

const MIB = 1024 * 1024
let fixture: ServerFixture
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await fixture.close()
})

interface Raw {
  readonly socket: Socket
  /** Everything that the server has sent. */
  heard: string
  /** Whether the connection is gone, for this side too. */
  isGone: boolean
  /** Whether the server has ended the connection. */
  isOver: boolean
}

/** A TCP connection that never closes its side. */
function open(): Raw {
  const socket = connect({ port: Number(new URL(fixture.server.url).port), host: '127.0.0.1', allowHalfOpen: true })
  sockets.push(socket)
  const raw: Raw = { socket, heard: '', isGone: false, isOver: false }
  socket.on('data', (bytes) => {
    raw.heard += bytes.toString('latin1')
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    raw.isGone = true
  })
  for (const over of ['end', 'close']) {
    socket.on(over, () => {
      raw.isOver = true
    })
  }
  return raw
}

const upgrade = (target: string): string =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

/** The head of a binary frame of so many bytes, masked with zeros. */
function frameHead(bytes: number): Buffer {
  const head = Buffer.alloc(14)
  head[0] = 0x82
  head[1] = 0x80 | 127
  head.writeBigUInt64BE(BigInt(bytes), 2)
  return head
}

/** Sends `bytes` zeros as fast as the server takes them. Resolves when all are sent or the connection is gone. */
function pour(raw: Raw, bytes: number): Promise<void> {
  const piece = Buffer.alloc(64 * 1024)
  let left = bytes
  return new Promise((resolve) => {
    raw.socket.once('close', resolve)
    const more = (): void => {
      while (left > 0 && !raw.isGone) {
        left -= piece.length
        if (raw.socket.write(piece)) continue
        raw.socket.once('drain', more)
        return
      }
      resolve()
    }
    more()
  })
}

/** Types a letter for the bystander, and waits until its other client shows it. */
async function bystanderLives(one: RawClient, other: RawClient): Promise<void> {
  one.text.insert(0, 'x')
  await other.until(() => other.text.toString() === one.text.toString())
}

const startWithKeys = async (options: Parameters<typeof ServerFixture.start>[0] = {}): Promise<RawClient[]> => {
  fixture = await ServerFixture.start({ authenticator: createAuthenticator({ secret: SECRET }), ...options })
  const token = await tokenOf('bystander')
  return Promise.all([fixture.client(`b?token=${token}`).synced(), fixture.client(`b?token=${token}`).synced()])
}

describe('a socket that is not let in', () => {
  const refusedWith = (target: string): RegExp =>
    target.includes('joinery') ? /^HTTP\/1\.1 101 [\s\S]*unauthorized/ : /^HTTP\/1\.1 401 [\s\S]*nosniff/

  it.each(['/w', '/w?joinery=1'])(
    '[S130] refused sockets at %s hold nothing of the frames that they begin',
    async (target) => {
      const [one, other] = (await startWithKeys({ limits: { drainMs: 600_000, closeMs: 600_000 } })) as [
        RawClient,
        RawClient,
      ]
      const raws = Array.from({ length: 20 }, open)
      for (const { socket } of raws) socket.write(upgrade(target))
      await expect.poll(() => raws.every(({ heard }) => refusedWith(target).test(heard))).toBe(true)
      const before = keptBytes()
      await Promise.all(
        raws.map((raw) => {
          raw.socket.write(frameHead(63 * MIB))
          return pour(raw, 2 * MIB)
        }),
      )
      await bystanderLives(one, other)
      // The bytes of a collected buffer are counted off a little later.
      await expect.poll(() => keptBytes() - before).toBeLessThan(raws.length * 64 * 1024)
      expect(fixture.server.load()).toMatchObject({ unadmitted: 20, connections: 2 })
      expect(fixture.server.counters.refusedConnections.get('unauthorized')).toBe(20)
    },
  )

  it.each(['/w', '/w?joinery=1'])(
    '[S102] refused sockets at %s are destroyed when they do not close',
    async (target) => {
      const [one, other] = (await startWithKeys({ limits: { drainMs: 200 } })) as [RawClient, RawClient]
      const raws = Array.from({ length: 20 }, open)
      for (const { socket } of raws) socket.write(Buffer.concat([Buffer.from(upgrade(target)), frameHead(63 * MIB)]))
      await expect.poll(() => raws.every(({ heard }) => refusedWith(target).test(heard))).toBe(true)
      await expect.poll(() => fixture.server.load()).toMatchObject({ tcpConnections: 2, unadmitted: 0 })
      await bystanderLives(one, other)
    },
  )

  it('[S130] a socket that sends without end before it is answered is refused with too_large', async () => {
    const never = Promise.withResolvers<never>()
    const authenticator: Authenticator = (asked) =>
      asked.actor === 'slow' ? never.promise : Promise.reject(new Error('not asked here'))
    fixture = await ServerFixture.start({ authenticator, limits: { admissionMs: 300, drainMs: 300 } })
    const raw = open()
    raw.socket.write(upgrade('/w?actor=slow'))
    await pour(raw, 8 * MIB)
    await expect.poll(() => raw.heard).toMatch(/^HTTP\/1\.1 503 /)
    await expect.poll(() => raw.isOver).toBe(true)
    const early = open()
    early.socket.write(Buffer.concat([Buffer.from(upgrade('/w?actor=slow')), Buffer.alloc(128 * 1024)]))
    await expect.poll(() => early.heard).toMatch(/^HTTP\/1\.1 (413|503) /)
  })

  it('[S131] an upgrade whose authentication takes too long is answered 503, and others are let in meanwhile', async () => {
    const never = Promise.withResolvers<never>()
    const authenticator: Authenticator = async (asked) => {
      if (asked.actor === 'slow') await never.promise
      return {
        actor: asked.actor ?? 'fast',
        source: 'user_action',
        sources: undefined,
        access: 'write',
        isAuthenticated: true,
        expiresAtMs: undefined,
        allows: () => true,
      }
    }
    fixture = await ServerFixture.start({ authenticator, limits: { admissionMs: 200 } })
    const waiting = [open(), open(), open()]
    for (const { socket } of waiting) socket.write(upgrade('/w?actor=slow'))
    await fixture.client('w').synced()
    await expect.poll(() => waiting.every(({ heard }) => heard.startsWith('HTTP/1.1 503'))).toBe(true)
    await expect.poll(() => waiting.every(({ heard }) => heard.includes('could not be found out'))).toBe(true)
  })

  it('[S131] sockets beyond unadmittedMax are refused at once while others wait', async () => {
    const never = Promise.withResolvers<never>()
    fixture = await ServerFixture.start({
      authenticator: () => never.promise,
      limits: { unadmittedMax: 3, drainMs: 300 },
    })
    const waiting = Array.from({ length: 3 }, open)
    for (const { socket } of waiting) socket.write(upgrade('/w'))
    await expect.poll(() => fixture.server.load().unadmitted).toBe(3)
    const late = open()
    late.socket.write(upgrade('/w?joinery=1'))
    await expect.poll(() => late.heard).toMatch(/^HTTP\/1\.1 503 [\s\S]*too_many_connections/)
    await expect.poll(() => late.isOver).toBe(true)
  })
})

describe('a slow sender', () => {
  it('[S132] nothing, half a line, half of the headers and half of a body are cut, with 408 where an answer is possible', async () => {
    fixture = await ServerFixture.start({
      limits: { headersMs: 200, requestMs: 400, drainMs: 200 },
      request: (request) => void request.resume(),
    })
    const bystander = await fixture.client('b').synced()
    const starts = [
      '',
      'GET / HT',
      'GET /w HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-',
      'POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf',
    ]
    const raws = starts.map((start) => {
      const raw = open()
      raw.socket.write(start)
      return raw
    })
    await expect.poll(() => raws.every(({ isOver }) => isOver)).toBe(true)
    for (const { heard } of raws.slice(1)) expect(heard).toMatch(/^HTTP\/1\.1 408 [\s\S]*nosniff[\s\S]*too_slow/)
    await bystander.roundTrip()
  })

  it('[S132] an answer that nobody reads is cut when no byte of it moves', async () => {
    fixture = await ServerFixture.start({
      limits: { stallMs: 300 },
      request: (_request, response) => void response.end(Buffer.alloc(32 * MIB)),
    })
    const raw = open()
    raw.socket.pause()
    raw.socket.write('GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await expect.poll(() => fixture.server.load().tcpConnections).toBe(1)
    await expect.poll(() => fixture.server.load().tcpConnections).toBe(0)
  })
})

describe('connections of one address and of one principal', () => {
  it('[S133] beyond connectionsPerAddressMax a request and an upgrade are refused with a code, and a free place is used again', async () => {
    const lines: Record<string, unknown>[] = []
    const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) })
    fixture = await ServerFixture.start({ logger, limits: { connectionsPerAddressMax: 2, drainMs: 300 } })
    const first = await fixture.client('w').synced()
    const second = await fixture.client('w').synced()
    expect((await fetch(`${fixture.server.url}/healthz`)).status).toBe(503)
    const refused = fixture.client('w?joinery=1')
    await refused.until(() => refused.closed !== undefined)
    expect(refused.closed).toMatchObject({ code: 1013, reason: expect.stringContaining('too_many_connections') })
    await first.close()
    await expect
      .poll(async () => (await fetch(`${fixture.server.url}/healthz`, { headers: { connection: 'close' } })).status)
      .toBe(200)
    await second.roundTrip()
    expect(lines).toContainEqual(expect.objectContaining({ code: 'too_many_connections', from: '127.0.0.1' }))
    expect(fixture.server.counters.refusedConnections.get('too_many_connections')).toBeGreaterThan(1)
  })

  it('[S133] beyond connectionsPerPrincipalMax only that principal is refused', async () => {
    const [one, other] = (await startWithKeys({ limits: { connectionsPerPrincipalMax: 2 } })) as [RawClient, RawClient]
    const token = await tokenOf('greedy')
    const kept = [
      await fixture.client(`w?token=${token}`).synced(),
      await fixture.client(`w?token=${token}`).synced(),
    ] as const
    const third = fixture.client(`w?token=${token}&joinery=1`)
    await third.until(() => third.closed !== undefined)
    expect(third.closed).toMatchObject({ code: 1013, reason: expect.stringContaining('at most 2') })
    await bystanderLives(one, other)
    await kept[0].close()
    await expect.poll(() => fixture.server.load().connections).toBe(3)
    await fixture.client(`w?token=${token}`).synced()
  })
})

describe('unfinished frames of connections that were let in', () => {
  /** A socket with a token that begins a frame of `bytes` and sends all but its end. */
  const begin = async (token: string, bytes: number): Promise<Raw> => {
    const raw = open()
    raw.socket.write(upgrade(`/w?token=${token}`))
    await expect.poll(() => raw.heard).toMatch(/^HTTP\/1\.1 101 /)
    raw.socket.write(frameHead(bytes))
    await pour(raw, bytes - 64 * 1024)
    return raw
  }

  it('[S134] those of one principal are bounded together, and another principal goes on', async () => {
    const limits = { unfinishedBytesPerPrincipalMax: 8 * MIB, unfinishedBytesMax: 64 * MIB }
    const [one, other] = (await startWithKeys({ limits })) as [RawClient, RawClient]
    const token = await tokenOf('hoarder')
    const raws = await Promise.all(Array.from({ length: 6 }, () => begin(token, 3 * MIB)))
    await expect.poll(() => raws.filter(({ isOver }) => isOver).length).toBeGreaterThan(2)
    expect(fixture.server.load().unfinishedBytes).toBeLessThanOrEqual(8 * MIB)
    await bystanderLives(one, other)
  })

  it('[S134] beyond the bound of all, the principal with most of them pays', async () => {
    const limits = { unfinishedBytesPerPrincipalMax: 64 * MIB, unfinishedBytesMax: 8 * MIB }
    await startWithKeys({ limits })
    const hoarded = await begin(await tokenOf('hoarder'), 6 * MIB)
    const honest = await begin(await tokenOf('ada'), 3 * MIB)
    await expect.poll(() => hoarded.isOver).toBe(true)
    expect(honest.isOver).toBe(false)
  })

  it('[S134] a connection that may only read has a small bound of its own', async () => {
    await startWithKeys({ limits: { readerFrameBytesMax: 100_000 } })
    const raw = open()
    raw.socket.write(upgrade(`/w?token=${await tokenOf('reader', { access: 'read' })}`))
    await expect.poll(() => raw.heard).toMatch(/^HTTP\/1\.1 101 /)
    raw.socket.write(frameHead(200_000))
    await expect.poll(() => raw.isOver).toBe(true)
  })
})

describe('the JWKS', () => {
  it.each([
    [
      'has no end',
      (write: (bytes: Buffer) => void) => void setInterval(() => write(Buffer.alloc(64 * 1024, 32)), 1).unref(),
    ],
    ['never comes', () => undefined],
  ])('[S66] one that %s is keys_unavailable within a bound of size and time', async (_what, body) => {
    const issuer = createHttpServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      body((bytes) => response.write(bytes))
    })
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
    try {
      const jwks = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/`
      const authenticator = createAuthenticator({ jwks }, { jwks: { jwksMs: 300 } })
      fixture = await ServerFixture.start({ authenticator })
      const token = `${Buffer.from('{"alg":"ES256","kid":"x"}').toString('base64url')}.e30.AAAA`
      const client = fixture.client(`w?joinery=1&token=${token}`)
      await client.until(() => client.closed !== undefined)
      expect(client.closed).toMatchObject({ code: 1013, reason: expect.stringContaining('keys') })
    } finally {
      issuer.closeAllConnections()
      issuer.close()
    }
  })
})

describe('development mode', () => {
  const get = async (path: string, host: string): Promise<string> => {
    const raw = open()
    raw.socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    await expect.poll(() => raw.isOver || raw.heard.includes('\r\n\r\n')).toBe(true)
    return raw.heard
  }

  it.each([undefined, ['https://app.example']])(
    '[S135] a request that names a foreign host is refused at every path when origins are %j',
    async (origins) => {
      fixture = await ServerFixture.start({
        request: (_request, response) => void response.end('mine'),
        ...(origins && { origins }),
      })
      for (const path of ['/', '/metrics', '/healthz', '/v1/workspaces']) {
        expect(await get(path, 'evil.example:1234')).toMatch(/^HTTP\/1\.1 403 [\s\S]*forbidden_origin/)
        expect(await get(path, 'localhost:1234')).toMatch(/^HTTP\/1\.1 200 /)
      }
      const proxied = origins === undefined ? 403 : 200
      expect(await get('/', 'app.example')).toMatch(new RegExp(`^HTTP/1\\.1 ${proxied} `))
    },
  )

  it('[S136] every answer forbids browsers to guess its type', async () => {
    fixture = await ServerFixture.start()
    for (const path of ['/', '/healthz', '/none']) expect(await get(path, 'localhost')).toMatch(/nosniff/i)
    expect(await get('/', 'evil.example')).toMatch(/nosniff/i)
    const raw = open()
    raw.socket.write('no http\r\n\r\n')
    await expect.poll(() => raw.heard).toMatch(/^HTTP\/1\.1 400 [\s\S]*nosniff/)
  })
})
