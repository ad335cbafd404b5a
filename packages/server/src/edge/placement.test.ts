import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { parseWorkspaceName } from '@joinery/protocol'
import { afterEach, expect, it } from 'vitest'
import { moved } from '../server-error.ts'
import { ServerFixture } from '../testing/server-fixture.ts'
import type { Placement, Route } from './placement.ts'

let fixture: ServerFixture
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await fixture.close()
})

/** Serves `here` in this process, answers for `there` itself, and knows nothing of `nowhere`. */
class OwnPlacement implements Placement {
  readonly asked: string[] = []
  closed = 0
  gate: Promise<void> = Promise.resolve()

  workspaceOf({ url = '' }: IncomingMessage) {
    return parseWorkspaceName(/^\/of\/(\w+)/.exec(url)?.[1] ?? '')
  }

  async routeTo(workspace: string): Promise<Route | undefined> {
    this.asked.push(workspace)
    await this.gate
    if (workspace === 'nowhere') throw moved()
    // Nobody has `late` when it is asked for, and another process is faster to take it.
    if (workspace === 'here' || (workspace === 'late' && !this.asked.slice(0, -1).includes('late'))) return undefined
    return {
      upgrade: (_request, socket) => void socket.end('HTTP/1.1 299 Passed\r\nConnection: close\r\n\r\n'),
      request: (_request, response) => void response.writeHead(299).end('passed'),
      close: () => void this.closed++,
    }
  }

  async settle(workspace: string): Promise<Route | undefined> {
    return workspace === 'late' ? await this.routeTo(workspace) : undefined
  }

  clientOf({ headers }: IncomingMessage): string | undefined {
    const client = headers['x-client']
    return client === undefined ? undefined : String(client)
  }
}

const upgrade = (path: string, headers = ''): string =>
  `GET /${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`

function send(bytes: string): { readonly socket: Socket; heard: string } {
  const socket = connect({ port: Number(new URL(fixture.server.url).port), host: '127.0.0.1' })
  sockets.push(socket)
  const client = { socket, heard: '' }
  socket.on('data', (data) => {
    client.heard += data.toString('latin1')
  })
  socket.on('error', () => socket.destroy())
  socket.write(bytes)
  return client
}

/** The status of the answer to `bytes`. */
async function statusOf(bytes: string): Promise<string> {
  const client = send(bytes)
  await expect.poll(() => client.heard).toMatch(/^HTTP\/1\.1 \d+/)
  return client.heard.slice(9, 12)
}

it('[S340] sockets and requests go where the placement says, after the checks that need no identity', async () => {
  const placement = new OwnPlacement()
  fixture = await ServerFixture.start({ placement, request: (_request, response) => void response.end('mine') })
  expect(await statusOf(upgrade('there', 'Origin: http://evil.example\r\n'))).toBe('403')
  expect(await statusOf(get('/elsewhere'))).toBe('200')
  expect(placement.asked).toEqual([])
  expect(await statusOf(upgrade('there'))).toBe('299')
  expect(await statusOf(upgrade('here'))).toBe('101')
  expect(await statusOf(upgrade('nowhere'))).toBe('503')
  expect(await statusOf(get('/of/there'))).toBe('299')
  expect(await statusOf(get('/of/here'))).toBe('200')
  expect(await statusOf(get('/of/nowhere'))).toBe('503')
  expect(placement.asked).toEqual(['there', 'here', 'nowhere', 'there', 'here', 'nowhere'])
  await expect.poll(() => fixture.server.load().unadmitted).toBe(0)
})

it('[S340] a way that is found for a client that has gone is closed', async () => {
  const placement = new OwnPlacement()
  const gate = Promise.withResolvers<void>()
  placement.gate = gate.promise
  fixture = await ServerFixture.start({ placement, limits: { admissionMs: 300 } })
  const [socket, request] = [send(upgrade('there')), send(get('/of/there'))]
  await expect.poll(() => placement.asked.length).toBe(2)
  for (const client of [socket, request]) client.socket.destroy()
  await expect.poll(() => fixture.server.load().tcpConnections).toBe(0)
  gate.resolve()
  await expect.poll(() => placement.closed).toBe(2)
})

it('[S363] a workspace that another process takes meanwhile is passed on once its client is let in, and the body is untouched', async () => {
  const placement = new OwnPlacement()
  fixture = await ServerFixture.start({
    placement,
    request: (request, response) =>
      void fixture.server.passOn(request, response).then((is) => void (is || response.end())),
  })
  expect(await statusOf(get('/of/late'))).toBe('299')
  placement.asked.length = 0
  expect(await statusOf(upgrade('late'))).toBe('299')
  placement.asked.length = 0
  expect(await statusOf(get('/of/here'))).toBe('200')
  expect(await statusOf(get('/elsewhere'))).toBe('200')
  await expect.poll(() => fixture.server.load().unadmitted).toBe(0)
})

it('[S341] connections that are passed on count for the address of their client', async () => {
  fixture = await ServerFixture.start({ placement: new OwnPlacement(), limits: { connectionsPerAddressMax: 1 } })
  const statuses: string[] = []
  for (const client of ['1.1.1.1', '2.2.2.2', '1.1.1.1', '3.3.3.3']) {
    statuses.push(await statusOf(upgrade('here', `X-Client: ${client}\r\n`)))
  }
  expect(statuses).toEqual(['101', '101', '503', '101'])
})
