import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createAuthenticator } from '../identity.ts'
import { ServerFixture } from '../testing/server-fixture.ts'
import { SECRET, tokenOf } from '../testing/test-token.ts'
import { FairTurns } from './fair-turns.ts'
import { ownerOf } from './request-owner.ts'

const requestOf = (url: string, authorization?: string): IncomingMessage =>
  ({ url, headers: { authorization }, socket: { remoteAddress: '10.0.0.1' } }) as unknown as IncomingMessage

describe('turns', () => {
  it('[S417] go to each owner in turn, whatever others have sent before', async () => {
    const begun: string[] = []
    const turns = new FairTurns(Number.POSITIVE_INFINITY, ({ url = '' }) => url.slice(0, 1))
    const urls = ['a1', 'a2', 'a3', 'b1', 'a4', 'c1', 'b2']
    for (const url of urls) turns.take(requestOf(url), () => void begun.push(url))
    await expect.poll(() => begun.length).toBe(urls.length)
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4'])
  })

  it('[S417] belong to the actor of a token that is known, and otherwise to the address', () => {
    const actorOf = (token: string) => (token === 'known' ? 'ada' : undefined)
    const cases: [IncomingMessage, string][] = [
      [requestOf('/', 'Bearer known'), 'actor ada'],
      [requestOf('/w?joinery=1&token=known'), 'actor ada'],
      [requestOf('/w?token=known', 'Bearer other'), 'address 10.0.0.1'],
      [requestOf('/', 'Bearer other'), 'address 10.0.0.1'],
      [requestOf('/', 'Basic known'), 'address 10.0.0.1'],
      [requestOf('/?mytoken=known'), 'address 10.0.0.1'],
      [requestOf('/'), 'address 10.0.0.1'],
    ]
    for (const [request, owner] of cases) expect(ownerOf(request, { actorOf })).toBe(owner)
    expect(ownerOf(requestOf('/', 'Bearer known'), {})).toBe('address 10.0.0.1')
  })
})

describe('many at once', () => {
  let fixture: ServerFixture
  const sockets: Socket[] = []
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await fixture.close()
  })
  const open = (): Socket => {
    const socket = connect(Number(new URL(fixture.server.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    sockets.push(socket)
    return socket
  }
  const WEBSOCKET =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

  it.each([
    ['requests', ''],
    ['upgrades', WEBSOCKET],
  ])('[S417] %s of one client do not hold up a request of another', async (_what, more) => {
    const authenticate = createAuthenticator({ secret: SECRET })
    const [ada, eve] = [await tokenOf('ada'), await tokenOf('eve')]
    const count = 60
    let came = 0
    let begun = 0
    let begunWhenAdaSent = 0
    let begunBeforeAda: number | undefined
    let socketOfAda: Socket | undefined
    /** One in each turn, so that the others wait. */
    const begin = (): void => {
      begun++
      const sinceMs = performance.now()
      while (performance.now() - sinceMs < 3);
    }
    const ownerOfToken = (token: string): string | undefined => {
      if (token === ada) return 'ada'
      if (++came !== count - 10) return undefined
      begunWhenAdaSent = begun
      socketOfAda?.write(`GET /w HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ada}\r\n\r\n`)
      return undefined
    }
    const identify = (credentials: Parameters<typeof authenticate>[0]) => {
      begin()
      return authenticate(credentials)
    }
    fixture = await ServerFixture.start({
      authenticator: Object.assign(identify, { actorOf: ownerOfToken }),
      request: ({ headers }, response) => {
        if (headers.authorization === undefined) begin()
        else begunBeforeAda = begun
        response.end()
      },
      limits: { requestTurnMs: 1 },
    })
    socketOfAda = open()
    const flood = Array.from({ length: count }, open)
    await expect.poll(() => fixture.server.load().tcpConnections).toBe(count + 1)
    for (const socket of flood) socket.write(`GET /w?token=${eve} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`)
    await expect.poll(() => begun).toBe(count)
    expect(begunWhenAdaSent).toBeLessThan(count - 20)
    expect(begunBeforeAda).toBeLessThan(begunWhenAdaSent + 10)
  })
})
