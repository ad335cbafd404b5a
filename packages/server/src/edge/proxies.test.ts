import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { pino } from 'pino'
import { afterEach, expect, it } from 'vitest'
import { developmentAuthenticator } from '../identity.ts'
import { ServerFixture } from '../testing/server-fixture.ts'

let fixture: ServerFixture
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await fixture.close()
})

/** A TCP connection that never closes its side. `heard` is everything that the server has sent. */
function open(): { readonly socket: Socket; heard: string } {
  const socket = connect({ port: Number(new URL(fixture.server.url).port), host: '127.0.0.1', allowHalfOpen: true })
  sockets.push(socket)
  const client = { socket, heard: '' }
  socket.on('data', (bytes) => {
    client.heard += bytes.toString('latin1')
  })
  // A reset by the server is one of the ends that the tests wait for.
  socket.on('error', () => socket.destroy())
  return client
}

const request = (line: string, headers: Record<string, string>, body = ''): string =>
  `${line} HTTP/1.1\r\n${Object.entries({ Host: 'localhost', ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n${body}`

const H2C = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }
const upgrade = (target: string, protocols = 'websocket'): string =>
  request(`GET ${target}`, {
    Connection: 'Upgrade',
    Upgrade: protocols,
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  })

/** Answers with the method, the target, the host and the body of a request. */
async function echo(asked: IncomingMessage, response: ServerResponse): Promise<void> {
  const body: Buffer[] = []
  for await (const bytes of asked) body.push(bytes)
  response.end(`${asked.method} ${asked.url} of ${asked.headers.host} with <${Buffer.concat(body)}>`)
}

it('[S100] requests that offer h2c are answered as plain requests, with their bodies, on one connection', async () => {
  fixture = await ServerFixture.start({ request: echo })
  const client = open()
  client.socket.write(request('POST /a', { ...H2C, 'Content-Length': '5' }, 'first'))
  await expect.poll(() => client.heard).toContain('POST /a of localhost with <first>')
  client.socket.write(request('GET /b', H2C))
  await expect.poll(() => client.heard).toContain('GET /b of localhost with <>')
  client.socket.write(request('PUT /c', { ...H2C, 'Content-Length': '6' }, 'second'))
  await expect.poll(() => client.heard).toContain('PUT /c of localhost with <second>')
  expect(client.heard.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200'])
})

it.each(['websocket', 'WebSocket', 'h2c, WEBSOCKET', 'websocket,h2c'])(
  '[S100] Upgrade: %s opens a WebSocket',
  async (protocols) => {
    fixture = await ServerFixture.start()
    const client = open()
    client.socket.write(upgrade('/w', protocols))
    await expect.poll(() => client.heard).toMatch(/^HTTP\/1\.1 101 /)
    await expect.poll(() => fixture.server.load().connections).toBe(1)
  },
)

it.each(['h2c', 'websockets', 'TLS/1.0'])('[S100] Upgrade: %s opens no WebSocket', async (protocols) => {
  fixture = await ServerFixture.start({ request: echo })
  const client = open()
  client.socket.write(request('GET /w', { Connection: 'Upgrade', Upgrade: protocols }))
  await expect.poll(() => client.heard).toContain('GET /w of localhost with <>')
})

it.each([
  ['that a proxy has taken the Upgrade from', upgrade('/w?token=t').replace(/(Upgrade|Connection): .*\r\n/g, '')],
  ['over HTTP/1.0', upgrade('/w?token=t').replace('HTTP/1.1', 'HTTP/1.0')],
])(
  '[S105] a handshake %s is answered with what the proxy must do, and leaves a line in the log',
  async (_how, text) => {
    const lines: Record<string, unknown>[] = []
    const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) })
    fixture = await ServerFixture.start({ logger, request: echo })
    const client = open()
    client.socket.write(text)
    await once(client.socket, 'end')
    expect(client.heard).toMatch(/^HTTP\/1\.1 426 /)
    expect(client.heard).toContain('let the proxy pass on Upgrade and Connection')
    expect(lines).toMatchObject([{ msg: 'connection refused', path: '/w', reason: expect.stringContaining('proxy') }])
  },
)

it.each([
  ['http://example.org:81/a/b%2Fc?d=1', '/a/b%2Fc?d=1', 'example.org:81'],
  ['HTTPS://example.org', '/', 'example.org'],
  ['http://example.org?d', '/?d', 'example.org'],
  ['/http://example.org/', '/http://example.org/', 'localhost'],
])('[S101] the target %s is the path %s of the host %s', async (target, path, host) => {
  fixture = await ServerFixture.start({ request: echo, authenticator: developmentAuthenticator() })
  const client = open()
  client.socket.write(request(`GET ${target}`, {}))
  await expect.poll(() => client.heard).toContain(`GET ${path} of ${host} with <>`)
})

it('[S101] health and upgrades are reached in absolute form', async () => {
  fixture = await ServerFixture.start()
  const health = open()
  health.socket.write(request('GET http://localhost/healthz', {}))
  await expect.poll(() => health.heard).toContain('"status":"ok"')
  const client = open()
  client.socket.write(upgrade('http://localhost/acme/w?joinery=1'))
  await expect.poll(() => client.heard).toContain('generation')
  expect(client.heard).toMatch(/^HTTP\/1\.1 101 /)
})

it('[S103] a body that is awaited is asked for when it is read, and its connection goes on', async () => {
  fixture = await ServerFixture.start({ request: echo })
  const client = open()
  client.socket.write(request('POST /a', { Expect: '100-continue', 'Content-Length': '4' }))
  await expect.poll(() => client.heard).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  client.socket.write('body')
  await expect.poll(() => client.heard).toContain('POST /a of localhost with <body>')
  client.socket.write(request('GET /b', {}))
  await expect.poll(() => client.heard).toContain('GET /b of localhost with <>')
})

it('[S103] a body that is refused before it is read is not asked for, and its connection ends', async () => {
  fixture = await ServerFixture.start({ request: (_request, response) => response.writeHead(413).end('too large') })
  const client = open()
  client.socket.write(request('POST /a', { Expect: '100-continue', 'Content-Length': '4000000' }))
  await once(client.socket, 'end')
  expect(client.heard).toMatch(/^HTTP\/1\.1 413 /)
  expect(client.heard).toContain('Connection: close')
  expect(client.heard).not.toContain('100 Continue')
})

it.each([
  ['no workspace', upgrade('/'), /^HTTP\/1\.1 404 /],
  ['no workspace, with joinery=1', upgrade('/?joinery=1'), /bad_workspace/],
  ['no key', upgrade('/w').replace(/Sec-WebSocket-Key.*\r\n/, ''), /^HTTP\/1\.1 400 /],
])(
  '[S102] the socket of an upgrade with %s is destroyed although its client leaves it open',
  async (_why, text, answer) => {
    fixture = await ServerFixture.start({ limits: { drainMs: 50 } })
    const client = open()
    client.socket.write(text)
    await expect.poll(() => client.heard).toMatch(answer)
    // The kernel answers with a reset once the server has destroyed its side.
    await expect.poll(() => client.socket.destroyed || void client.socket.write('x')).toBe(true)
  },
)

it('[S102] close does not wait for a client that is being authenticated, nor for one that was refused', async () => {
  const asked = Promise.withResolvers<void>()
  fixture = await ServerFixture.start({
    limits: { drainMs: 50 },
    authenticator: () => {
      asked.resolve()
      return new Promise(() => undefined)
    },
  })
  const refused = open()
  refused.socket.write(upgrade('/'))
  await once(refused.socket, 'end')
  open().socket.write(upgrade('/w'))
  await asked.promise
  await fixture.server.close()
  expect(fixture.server.load().connections).toBe(0)
})

it('[S102] a client whose authentication ends after close has begun is refused', async () => {
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  const authenticate = developmentAuthenticator()
  fixture = await ServerFixture.start({
    authenticator: async (credentials) => {
      asked.resolve()
      await answer.promise
      return authenticate(credentials)
    },
  })
  const client = open()
  client.socket.write(upgrade('/w'))
  await asked.promise
  const closed = fixture.server.close()
  answer.resolve()
  await expect.poll(() => client.heard).toMatch(/^HTTP\/1\.1 503 /)
  client.socket.end()
  await closed
})
