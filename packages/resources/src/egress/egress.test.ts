import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { ResourceError } from '../resource-error.ts'
import { closeListeners, closing, counter, resolver, service } from '../testing/listeners.ts'
import { isPublic } from './allow-list.ts'
import { Egress } from './egress.ts'
import { EgressError } from './egress-error.ts'

afterEach(closeListeners)

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

it('[RS7] a long answer is cut, one that never ends is left, and a signal ends the call', async () => {
  const port = await service((request, response) => {
    if (request.url === '/long') response.end(Buffer.alloc(100_000, 'a'))
    else response.write('a')
  })
  const allow = `http://127.0.0.1:${port}`
  const cut = await new Egress({ allow }).request(`http://127.0.0.1:${port}/long`)
  const egress = new Egress({ allow, limits: { wholeMs: 200 } })
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
