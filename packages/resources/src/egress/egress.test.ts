import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { ResourceError } from '../resource-error.ts'
import { isPublic } from './allow-list.ts'
import { Egress, type EgressOptions } from './egress.ts'
import { EgressError } from './egress-error.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A listener on all addresses of loopback that counts its connections. */
async function counter(): Promise<{ readonly port: number; connections: number }> {
  const found = { port: 0, connections: 0 }
  const server = createNetServer((socket) => {
    found.connections++
    socket.destroy()
  })
  server.listen(0, '::')
  await once(server, 'listening')
  found.port = (server.address() as AddressInfo).port
  closing.push(async () => server.close())
  return found
}

async function service(answer: RequestListener): Promise<number> {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A resolver that gives the answers in turn, and the last one from then on. */
function resolver(...answers: readonly string[][]): NonNullable<EgressOptions['resolve']> {
  let turn = 0
  return async () => {
    const addresses = answers[Math.min(turn++, answers.length - 1)] ?? []
    return addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
}

/** Hosts that are no part of the public internet, in many forms. */
const LITERALS = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.254', '127.0.0.1', '127.1.2.3'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.254', '192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.1.1'],
  ...[
    '198.18.0.1',
    '198.19.255.254',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.1.2.3',
    '240.0.0.1',
    '255.255.255.255',
  ],
  // Decimal, octal, hexadecimal, short and full-width forms of 127.0.0.1 and 10.0.0.1.
  ...[
    '2130706433',
    '0177.0.0.1',
    '0x7f.1',
    '0x7f000001',
    '127.1',
    '127.0.1',
    '017700000001',
    '１２７.0.0.1',
    '①②⑦.⓪.⓪.①',
  ],
  ...['127.0.0.1.', '167772161', '0xa000001', '012.0.0.1', '10.1'],
  ...[
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:10.0.0.1]',
    '[::127.0.0.1]',
  ],
  ...[
    '[64:ff9b::7f00:1]',
    '[64:ff9b::10.0.0.1]',
    '[64:ff9b:1::1]',
    '[100::1]',
    '[2001::1]',
    '[2001:2::1]',
    '[2001:db8::1]',
  ],
  ...[
    '[2002:7f00:1::]',
    '[2002:a00:1::1]',
    '[fc00::1]',
    '[fd12:3456::1]',
    '[fe80::1]',
    '[fec0::1]',
    '[ff02::1]',
    '[5f00::1]',
  ],
]

const FORMS: readonly (readonly [string, EgressError['why']])[] = [
  ['gopher://8.8.8.8/', 'scheme'],
  ['ftp://8.8.8.8/', 'scheme'],
  ['file:///etc/passwd', 'scheme'],
  ['data:text/plain,a', 'scheme'],
  ['javascript:alert(1)', 'scheme'],
  ['http://8.8.8.8/', 'scheme'],
  ['ws://8.8.8.8/', 'scheme'],
  ['https://user@8.8.8.8/', 'user_info'],
  ['https://8.8.8.8:pass@127.0.0.1/', 'user_info'],
  ['https://8.8.8.8/#a', 'fragment'],
  ['https://8.8.8.8:22/', 'port'],
  ['https://8.8.8.8:6379/', 'port'],
  ['https://8.8.8.8:80/', 'port'],
  ['//8.8.8.8/', 'no_url'],
  ['', 'no_url'],
  ['https://', 'no_url'],
  ['https://[::1/', 'no_url'],
  ['https://1.2.3.4.5.6/', 'no_url'],
]

it(`[RS5] none of ${LITERALS.length + FORMS.length} URLs reaches a listener, and each refusal says its rule`, async () => {
  const listener = await counter()
  // The port is allowed, so that it is the address that is refused.
  const egress = new Egress({ ports: [listener.port] })
  for (const host of LITERALS) {
    const error = await egress.request(`https://${host}:${listener.port}/`).catch((caught: unknown) => caught)
    expect(error, host).toBeInstanceOf(EgressError)
    expect((error as EgressError).why, host).toBe('address')
  }
  for (const [url, why] of FORMS) {
    const error = await egress.request(url).catch((caught: unknown) => caught)
    expect((error as EgressError).why, url).toBe(why)
  }
  expect(listener.connections).toBe(0)
  expect(egress.refused.get('address')).toBe(LITERALS.length)
})

it('[RS5] one forbidden address of a name refuses the name', async () => {
  const listener = await counter()
  const at = (...addresses: string[]) =>
    new Egress({ ports: [listener.port], resolve: resolver(addresses) })
      .request(`https://hooks.example:${listener.port}/`)
      .catch(({ why }: EgressError) => why)
  expect(await at('8.8.8.8', '127.0.0.1')).toBe('address')
  expect(await at('2606:4700::1111', '::1')).toBe('address')
  expect(await at('127.0.0.1')).toBe('address')
  expect(await at('::ffff:169.254.169.254')).toBe('address')
  // The system's resolver finds loopback for this name.
  const system = new Egress({ ports: [listener.port] })
  expect(await system.request(`https://localhost:${listener.port}/`).catch(({ why }: EgressError) => why)).toBe(
    'address',
  )
  expect(listener.connections).toBe(0)
})

it('[RS5] public addresses pass, and an operator opens hosts, ports and networks', async () => {
  for (const address of ['8.8.8.8', '1.1.1.1', '2606:4700::1111', '2a00:1450:4001::1'])
    expect(isPublic(address), address).toBe(true)
  const port = await service((_request, response) => response.end('here'))
  const named = new Egress({ allow: `http://127.0.0.1:${port}` })
  expect(await named.request(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 200, body: Buffer.from('here') })
  const byName = new Egress({ allow: `http://hooks.internal:${port}`, resolve: resolver(['127.0.0.1']) })
  expect(await byName.request(`http://hooks.internal:${port}/`)).toMatchObject({ status: 200 })
  expect(new Egress({ allow: '10.1.2.0/24,[fd00::1]' }).check('https://10.1.2.3/').hostname).toBe('10.1.2.3')
  expect(() => new Egress({ allow: '10.1.2.0/24' }).check('https://10.1.3.3/')).toThrow(EgressError)
  expect(new Egress({ allow: 'hooks.internal:8443' }).check('https://hooks.internal:8443/').port).toBe('8443')
  expect(() => new Egress({ allow: 'hooks.internal:8443' }).check('https://hooks.internal:8444/')).toThrow(EgressError)
  for (const allow of ['http://a/b', '10.0.0.0/99', 'a b', 'ftp://a', 'http://u@a']) {
    expect(() => new Egress({ allow }), allow).toThrow(ResourceError)
  }
})

it('[RS6] a name that changes its address after the check reaches the checked address alone', async () => {
  const listener = await counter()
  let asked = 0
  const resolve = async (): Promise<readonly LookupAddress[]> => {
    // 192.0.2.1 is allowed below, and nobody is there: the first answer passes the check.
    asked++
    return [{ address: asked === 1 ? '192.0.2.1' : '127.0.0.1', family: 4 }]
  }
  const limits = { connectMs: 100, wholeMs: 200 }
  const egress = new Egress({ allow: '192.0.2.1', ports: [listener.port], resolve, limits })
  await expect(egress.request(`https://rebinding.example:${listener.port}/`)).rejects.toThrow(ResourceError)
  expect({ asked, connections: listener.connections }).toEqual({ asked: 1, connections: 0 })
})

it('[RS7] a redirect is an answer, and is not followed', async () => {
  const listener = await counter()
  const port = await service((_request, response) =>
    response.writeHead(302, { location: `http://127.0.0.1:${listener.port}/` }).end(),
  )
  const answer = await new Egress({ allow: `http://127.0.0.1:${port}` }).request(`http://127.0.0.1:${port}/`)
  expect(answer.status).toBe(302)
  expect(listener.connections).toBe(0)
})

it('[RS7] a long answer is cut, one that never ends is left, and a signal ends the call', async () => {
  const port = await service((request, response) => {
    if (request.url === '/long') response.end(Buffer.alloc(100_000, 'a'))
    else response.write('a')
  })
  const egress = new Egress({ allow: `http://127.0.0.1:${port}`, limits: { wholeMs: 200 } })
  const cut = await egress.request(`http://127.0.0.1:${port}/long`)
  expect({ bytes: cut.body.byteLength, isCut: cut.isCut }).toEqual({ bytes: 65_536, isCut: true })
  await expect(egress.request(`http://127.0.0.1:${port}/never`)).rejects.toThrow(/no answer within 200 ms/)
  const reason = new Error('enough')
  await expect(egress.request(`http://127.0.0.1:${port}/never`, { signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  )
})

it('[RS7] no proxy of the environment is used', async () => {
  const listener = await counter()
  const port = await service((_request, response) => response.end('direct'))
  const before = process.env.HTTP_PROXY
  process.env.HTTP_PROXY = `http://127.0.0.1:${listener.port}`
  try {
    const answer = await new Egress({ allow: `http://127.0.0.1:${port}` }).request(`http://127.0.0.1:${port}/`)
    expect(answer.body.toString()).toBe('direct')
  } finally {
    if (before === undefined) delete process.env.HTTP_PROXY
    else process.env.HTTP_PROXY = before
  }
  expect(listener.connections).toBe(0)
})

it('[RS8] headers of the server, and headers that can’t be sent, are refused', async () => {
  const egress = new Egress()
  for (const [name, value] of [
    ['Host', 'internal'],
    ['content-length', '0'],
    ['Transfer-Encoding', 'chunked'],
    ['Proxy-Authorization', 'a'],
    ['Cookie', 'a=b'],
    ['x-a', 'a\r\nx-b: c'],
    ['x a', 'b'],
    ['', 'b'],
  ] as const) {
    const error = await egress
      .request('https://8.8.8.8/', { headers: { [name]: value } })
      .catch((caught: unknown) => caught)
    expect((error as EgressError).why, name).toBe('header')
    expect((error as Error).message).not.toContain('\n')
  }
})

/** A proxy that makes tunnels to a port of this machine, whatever the name. */
async function proxyTo(port: number) {
  const asked: { target: string; authorization: string | undefined; first: number | undefined }[] = []
  const server = createServer((_, response) => response.writeHead(405).end())
  server.on('connect', ({ url = '', headers }: IncomingMessage, socket: Socket) => {
    if (url.startsWith('private.')) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const about = { target: url, authorization: headers['proxy-authorization'], first: undefined as number | undefined }
    asked.push(about)
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.once('data', (bytes: Buffer) => {
        about.first = bytes[0]
      })
      socket.pipe(onward).pipe(socket)
    })
    for (const end of [socket, onward]) end.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, url: `http://joe:p%40ss@127.0.0.1:${(server.address() as AddressInfo).port}` }
}

it('[RS41] with a proxy all connections go through it, and the rules hold as before', async () => {
  const port = await service((request, response) => response.end(`hello ${request.headers.host}`))
  const proxy = await proxyTo(port)
  const resolve = (): never => {
    throw new Error('the proxy looks names up')
  }
  const allow = 'http://hooks.internal:8080,http://private.internal:8080'
  const egress = new Egress({ allow, proxy: proxy.url, resolve })
  const answer = await egress.request('http://hooks.internal:8080/x', { body: 'b' })
  expect([answer.status, answer.body.toString()]).toEqual([200, 'hello hooks.internal:8080'])
  const authorization = `Basic ${Buffer.from('joe:p@ss').toString('base64')}`
  expect(proxy.asked).toMatchObject([{ target: 'hooks.internal:8080', authorization }])
  await expect(egress.request('http://private.internal:8080/')).rejects.toThrow(/the egress proxy answered 403/)
  await expect(egress.request('https://10.0.0.1/')).rejects.toThrow(EgressError)
  await expect(egress.request('http://elsewhere.example/')).rejects.toThrow(EgressError)
  // TLS is spoken with the host, and not with the proxy: the first byte is that of a handshake.
  await expect(egress.request('https://shop.example/')).rejects.toThrow(ResourceError)
  expect(proxy.asked[1]).toMatchObject({ target: 'shop.example:443' })
  expect(proxy.asked[1]?.first).toBe(22)
  for (const wrong of ['proxy:8080', 'https://proxy', 'http://proxy/path', ''])
    expect(() => new Egress({ proxy: wrong })).toThrow(/the egress proxy must be/)
})
