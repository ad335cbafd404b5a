import { connect } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ServerFixture } from '../testing/server-fixture.ts'

let fixture: ServerFixture
beforeEach(async () => {
  fixture = await ServerFixture.start()
})
afterEach(() => fixture.close())

/** All that a connection is answered that sends these bytes. */
function answerTo(bytes: string | Uint8Array): Promise<string> {
  const socket = connect(Number(new URL(fixture.server.url).port), '127.0.0.1')
  let heard = ''
  return new Promise((resolve) => {
    socket.on('data', (data) => {
      heard += data.toString('latin1')
    })
    // The server ends what it can't read, and may do so while this side still sends.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(heard))
    socket.write(bytes)
  })
}
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
const upgrade = (...headers: string[]): string =>
  ['GET /w HTTP/1.1', 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', ...headers, '', ''].join('\r\n')

it.each<[string, number, string | Uint8Array]>([
  ['no host', 400, 'GET / HTTP/1.1\r\n\r\n'],
  [
    'an unknown expectation',
    417,
    'PUT / HTTP/1.1\r\nHost: localhost\r\nExpect: 200-maybe\r\nContent-Length: 2\r\n\r\n',
  ],
  ['headers that are too large', 431, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
  ['two lengths', 400, 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd'],
  [
    'a length and chunks',
    400,
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['the preface of HTTP/2', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['TLS', 400, Uint8Array.of(0x16, 3, 1, 0, 5, 1, 0, 0, 0x4c, 3, 3)],
  ['an upgrade without a key', 400, upgrade('Sec-WebSocket-Version: 13')],
  ['an upgrade with a wrong key', 400, upgrade('Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13')],
  ['an upgrade of another version', 400, upgrade(KEY, 'Sec-WebSocket-Version: 99')],
  [
    'an upgrade with a malformed protocol',
    400,
    upgrade(KEY, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: ,;'),
  ],
])(
  '[S136] a connection that sends %s is answered by JSON that no browser takes for a page',
  async (_, status, bytes) => {
    const answer = await answerTo(bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(answer).toMatch(/^x-content-type-options: nosniff\r$/im)
    expect(answer).toMatch(/^content-type: application\/json\r$/im)
    expect(answer).toMatch(/\r\n\r\n[\s\S]*\{"error":\{"code":"(bad_frame|too_large)","message":"[^"]/)
  },
)
