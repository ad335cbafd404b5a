import { connect, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { ServerFixture } from '../testing/server-fixture.ts'

let fixture: ServerFixture
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await fixture.close()
})

/** A connection that sends requests for these paths at once. `heard` is all that it was sent, as text. */
function send(paths: readonly string[]) {
  const socket = connect(Number(new URL(fixture.server.url).port), '127.0.0.1')
  const sent = { socket, heard: '', isOver: false }
  socket.on('data', (bytes) => {
    sent.heard += bytes.toString('latin1')
  })
  // A connection that is cut while it sends may end with an error of its own.
  socket.on('error', () => undefined)
  socket.on('close', () => {
    sent.isOver = true
  })
  socket.write(paths.map((path) => `GET /${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''))
  sockets.push(socket)
  return sent
}
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`)
const bodiesOf = (heard: string): string[] => Array.from(heard.matchAll(/at \/(\d+)/g), ([, number]) => number ?? '')

it('[S142] requests of one connection are answered one at a time, in order', async () => {
  const begun: (() => void)[] = []
  fixture = await ServerFixture.start({
    request: ({ url }, response) => void begun.push(() => response.end(`at ${url}`)),
  })
  const sent = send(numbers(3))
  for (let count = 1; count <= 3; count++) {
    await expect.poll(() => begun.length).toBe(count)
    begun.at(-1)?.()
    await expect.poll(() => bodiesOf(sent.heard)).toEqual(numbers(count))
  }
})

it('[S142] a connection with too many requests without an answer is told, and ends; others go on', async () => {
  fixture = await ServerFixture.start({
    request: ({ url }, response) => void setImmediate(() => response.end(`at ${url}`)),
    limits: { requestsWaitingMax: 4 },
  })
  const sent = send(numbers(60))
  const flood = send(numbers(5_000))
  await expect.poll(() => sent.isOver && flood.isOver).toBe(true)
  expect(bodiesOf(sent.heard)).toEqual(numbers(4))
  expect(sent.heard).toMatch(/HTTP\/1\.1 429 [\s\S]*"too_many_requests".*4 requests of this connection/)
  expect(fixture.server.counters.refusedConnections.get('too_many_requests')).toBeGreaterThan(0)
  const other = send(numbers(3))
  await expect.poll(() => bodiesOf(other.heard)).toEqual(numbers(3))
})

it('[S142] sockets are read between requests, however many connections send them at once', async () => {
  let begun = 0
  fixture = await ServerFixture.start({
    request: (_request, response) => {
      begun++
      const sinceMs = performance.now()
      while (performance.now() - sinceMs < 2);
      response.end()
    },
    limits: { requestTurnMs: 1 },
  })
  const ada = await fixture.client('w?joinery=1').synced()
  const all = 20 * 10
  for (let connection = 0; connection < 20; connection++) send(numbers(10))
  await expect.poll(() => begun).toBeGreaterThan(0)
  ada.text.insert(0, 'x')
  await ada.until(() => ada.message('durable')?.frames === ada.sentUpdates)
  expect(begun).toBeLessThan(all)
  await expect.poll(() => begun).toBe(all)
})

it('[S142] connections of one address send so many requests ahead, and one more is told, and ends', async () => {
  const answers: (() => void)[] = []
  fixture = await ServerFixture.start({
    request: ({ url }, response) => void answers.push(() => response.end(`at ${url}`)),
    limits: { requestsAheadMax: 3 },
  })
  const first = send(numbers(4))
  await expect.poll(() => answers.length).toBe(1)
  const second = send(numbers(400))
  await expect.poll(() => answers.length).toBe(2)
  while (!second.isOver || bodiesOf(first.heard).length < 4) {
    answers.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(bodiesOf(first.heard)).toEqual(numbers(4))
  expect(bodiesOf(second.heard)).toEqual(numbers(1))
  expect(second.heard).toMatch(/HTTP\/1\.1 429 [\s\S]*"too_many_requests".*3 that your address has sent ahead/)
  const other = send(numbers(4))
  const answered = (): string[] => {
    answers.shift()?.()
    return bodiesOf(other.heard)
  }
  await expect.poll(answered).toEqual(numbers(4))
})

it('[S142] of a connection that is gone no further request is begun', async () => {
  const begun: string[] = []
  fixture = await ServerFixture.start({ request: ({ url = '' }) => void begun.push(url) })
  const gone = send(numbers(3))
  await expect.poll(() => begun).toEqual(['/0'])
  gone.socket.destroy()
  await expect.poll(() => fixture.server.load().tcpConnections).toBe(0)
  const other = send(['9'])
  await expect.poll(() => begun).toEqual(['/0', '/9'])
  other.socket.destroy()
})
