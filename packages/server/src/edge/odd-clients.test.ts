import { connect } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture } from '../testing/server-fixture.ts'

let fixture: ServerFixture
/** Two people on another workspace. */
let people: readonly RawClient[]
beforeAll(async () => {
  fixture = await ServerFixture.start({ request: (_request, response) => response.end('answered') })
  people = await Promise.all([fixture.client('people').synced(), fixture.client('people').synced()])
})
afterAll(() => fixture.close())

type Steps = readonly (string | Uint8Array)[]

/** All that is answered to bytes that come in these packets. The client then waits for the end, unless it `ends` itself. */
async function answerTo(steps: Steps, ends: boolean): Promise<Buffer> {
  const socket = connect({
    port: Number(new URL(fixture.server.url).port),
    host: '127.0.0.1',
    allowHalfOpen: true,
    noDelay: true,
  })
  const heard: Buffer[] = []
  let isMore = (): void => undefined
  socket.on('data', (bytes) => {
    heard.push(bytes)
    isMore()
  })
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve())
  })
  const [first, ...rest] = steps
  const answered = new Promise<void>((resolve) => {
    isMore = resolve
  })
  if (first !== undefined) socket.write(first)
  if (rest.length > 0) await Promise.race([answered, closed])
  for (const step of rest) socket.write(step)
  if (ends) socket.end()
  await closed
  socket.destroy()
  return Buffer.concat(heard)
}

const upgrade = (target: string, ...headers: readonly string[]): string =>
  [
    `GET ${target} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    ...headers,
    '',
    '',
  ].join('\r\n')
const request = (line: string, ...headers: readonly string[]): string =>
  [line, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n')

interface FrameOptions {
  readonly isLast?: boolean
  readonly reserved?: number
  readonly isMasked?: boolean
}

/** A frame as a client sends it, with a mask of zeros. */
function frame(opcode: number, payload: string | Uint8Array = '', options: FrameOptions = {}): Buffer {
  const { isLast = true, reserved = 0, isMasked = true } = options
  const bytes = Buffer.from(payload as Uint8Array)
  const length = bytes.length < 126 ? [bytes.length] : [126, bytes.length >> 8, bytes.length & 255]
  const head = [(isLast ? 0x80 : 0) | (reserved << 4) | opcode, ...length]
  if (isMasked) head[1] = (head[1] as number) | 0x80
  return Buffer.from([...head, ...(isMasked ? [0, 0, 0, 0] : []), ...bytes])
}
const closing = (code: number, reason = ''): Buffer =>
  frame(8, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]))
const times = (count: number, each: Uint8Array): Buffer => Buffer.concat(Array.from({ length: count }, () => each))
const lengthOf64Bits = (length: bigint): Buffer => {
  const bytes = Buffer.alloc(14)
  bytes.set([0x82, 0xff])
  bytes.writeBigUInt64BE(length, 2)
  return bytes
}

/** The code of the close frame at the end of what a server sent; 1005 for one without a code. */
function closeCodeIn(heard: Buffer): number | undefined {
  let at = heard.indexOf('\r\n\r\n') + 4
  for (let code: number | undefined; ; ) {
    const [first, length = 0] = [heard[at], heard[at + 1]]
    if (first === undefined) return code
    const start = at + (length === 126 ? 4 : 2)
    const end = start + (length === 126 ? heard.readUInt16BE(at + 2) : length)
    if ((first & 15) === 8) code = end > start + 1 ? heard.readUInt16BE(start) : 1005
    at = end
  }
}

/** People are served while, and after, somebody does odd things. */
async function expectPeopleServed(): Promise<void> {
  const [ada, ben] = people as [RawClient, RawClient]
  const text = `${ada.text.toString()}x`
  ada.text.insert(ada.text.length, 'x')
  await ben.until(() => ben.text.toString() === text)
}

const WS = 'HTTP/1.1 101 '
const CASES: readonly [what: string, steps: Steps, answer: string | number, ends?: boolean][] = [
  ['an upgrade of HTTP/1.0', [upgrade('/w').replace('HTTP/1.1', 'HTTP/1.0')], 'HTTP/1.1 426 '],
  ['an upgrade by POST', [upgrade('/w', 'Content-Length: 0').replace('GET', 'POST')], 'HTTP/1.1 200 ', true],
  ['an upgrade with a body', [`${upgrade('/w', 'Content-Length: 5')}hello`], 1002],
  ['an upgrade with a chunked body', [`${upgrade('/w', 'Transfer-Encoding: chunked')}0\r\n\r\n`], 1002],
  ['frames before the answer', [Buffer.concat([Buffer.from(upgrade('/w')), frame(2)])], 4400],
  ['two hundred upgrades in one packet', [upgrade('/w').repeat(200)], 1002],
  ['a request after its upgrade', [upgrade('/w') + request('GET / HTTP/1.1')], 1002],
  ['an upgrade that awaits 100 Continue', [upgrade('/w', 'Expect: 100-continue'), closing(1000)], 1000],
  ['an upgrade in absolute form of another host', [upgrade('ws://evil.example/w'), closing(1000)], 1000],
  ['a list of origins', [upgrade('/w', 'Origin: http://localhost http://evil.example')], 'HTTP/1.1 403 '],
  ['the origin null', [upgrade('/w', 'Origin: null')], 'HTTP/1.1 403 '],
  [
    'offers of compression',
    [upgrade('/w', `Sec-WebSocket-Extensions: ${'permessage-deflate; x=1, '.repeat(400)}y`), closing(1000)],
    1000,
  ],
  ['two thousand headers', [request('GET / HTTP/1.1', ...Array.from({ length: 4_000 }, () => 'a:'))], 'HTTP/1.1 431 '],
  ['a name with a slash at its start', [upgrade('//w')], 'HTTP/1.1 404 '],
  ['a name with a slash at its end', [upgrade('/w/')], 'HTTP/1.1 404 '],
  ['a name encoded twice', [upgrade('/w%252Fx')], 'HTTP/1.1 404 '],
  ['a name with an encoded step up', [upgrade('/w%2f%2e%2e%2fx')], 'HTTP/1.1 404 '],
  ['a name with an overlong dot', [upgrade('/%c0%ae%c0%ae')], 'HTTP/1.1 404 '],
  ['a name with a NUL', [upgrade('/w%00')], 'HTTP/1.1 404 '],
  ['five thousand slashes', [upgrade(`/${'%2F'.repeat(5_000)}`)], 'HTTP/1.1 404 '],
  ['two tokens', [upgrade('/w?token=x&token=y'), closing(1000)], 1000],
  ['a compressed frame', [upgrade('/w'), frame(2, 'ab', { reserved: 4 })], 1002],
  ['an unknown reserved bit', [upgrade('/w'), frame(2, 'ab', { reserved: 1 })], 1002],
  ['no mask', [upgrade('/w'), frame(2, 'ab', { isMasked: false })], 1002],
  ['an unknown opcode', [upgrade('/w'), frame(3)], 1002],
  ['an unknown control opcode', [upgrade('/w'), frame(11)], 1002],
  ['text that is no UTF-8', [upgrade('/w'), frame(1, Uint8Array.of(0xff))], 1007],
  ['text', [upgrade('/w'), frame(1, 'hello')], 4400, true],
  ['a continuation of nothing', [upgrade('/w'), frame(0, 'a')], 1002],
  ['a message in another', [upgrade('/w'), frame(2, 'a', { isLast: false }), frame(2, 'b')], 1002],
  ['a ping in parts', [upgrade('/w'), frame(9, 'a', { isLast: false })], 1002],
  ['a ping of 126 bytes', [upgrade('/w'), frame(9, 'x'.repeat(126))], 1002],
  ['a frame of 2^63 bytes', [upgrade('/w'), lengthOf64Bits(2n ** 63n)], 1009],
  ['a frame of 2^53 bytes', [upgrade('/w'), lengthOf64Bits(2n ** 53n)], 1009],
  [
    'pings between parts',
    [upgrade('/w'), frame(2, 'a', { isLast: false }), times(300, frame(9, 'p')), closing(1000)],
    1000,
  ],
  [
    'empty parts',
    [upgrade('/w'), frame(2, 'a', { isLast: false }), times(1_000, frame(0, '', { isLast: false }))],
    4429,
  ],
  ['a close of a byte', [upgrade('/w'), frame(8, 'a')], 1002],
  ['a close without a code', [upgrade('/w'), frame(8)], 1005],
  ['a close whose reason is no UTF-8', [upgrade('/w'), frame(8, Uint8Array.of(3, 232, 0xff))], 1007],
  ['a hundred closes, and more', [upgrade('/w'), times(100, closing(1000)), times(100, frame(2, 'ab'))], 1000],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map(
    (code) => [`a close of the code ${code}`, [upgrade('/w'), closing(code)], 1002] as [string, Steps, number],
  ),
  ['an end right after its upgrade', [upgrade('/w')], WS, true],
  ['an end in its headers', [upgrade('/w').slice(0, -2)], 'HTTP/1.1 400 ', true],
  ['an end in its body', [request('PUT / HTTP/1.1', 'Content-Length: 9')], 'HTTP/1.1 200 ', true],
  ['an end at once', [], '', true],
]

it.each(CASES)(
  '[S416] a client that sends %s is answered, or ended, and others go on',
  async (_, steps, answer, ends) => {
    const heard = await answerTo(steps, ends === true)
    const text = heard.toString('latin1')
    if (typeof answer === 'string') expect(text.slice(0, 13)).toBe(answer)
    else {
      expect(text.slice(0, 13)).toBe(WS)
      expect(closeCodeIn(heard)).toBe(answer)
    }
    await expectPeopleServed()
  },
)
