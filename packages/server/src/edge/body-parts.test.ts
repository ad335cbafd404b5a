import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ServerFixture } from '../testing/server-fixture.ts'

/** Ten tiny parts, or two hundred small ones. */
const smallPartsMax = 200
let fixture: ServerFixture
beforeEach(async () => {
  fixture = await ServerFixture.start({
    limits: { smallPartsMax },
    request: async (request, response) => {
      if (request.url === '/refused') return void response.writeHead(401).end('refused')
      let read = 0
      // A body that is cut ends its reading by an error.
      request.on('error', () => undefined)
      request.on('data', (part: Buffer) => {
        read += part.length
      })
      request.on('end', () => response.end(`read ${read}`))
    },
  })
})
afterEach(() => fixture.close())

const headTo = (path: string): string =>
  `PUT ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`
const chunks = (count: number, length: number): string =>
  `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n`.repeat(count)
const END = '0\r\n\r\n'

function open() {
  const socket = connect(Number(new URL(fixture.server.url).port), '127.0.0.1')
  const heard = { text: '' }
  socket.on('data', (data) => {
    heard.text += data.toString('latin1')
  })
  // The server ends the connection while this side still sends.
  socket.on('error', () => undefined)
  return { socket, heard, closed: new Promise<void>((resolve) => socket.on('close', () => resolve())) }
}

async function answerTo(bytes: string): Promise<string> {
  const { socket, heard, closed } = open()
  socket.write(bytes)
  await closed
  return heard.text.replaceAll(/\r\n[\s\S]*\r\n/g, ' ')
}

it('[S415] a body in more small parts than it may have is cut with 413, and a tiny part counts as twenty', async () => {
  expect(await answerTo(headTo('/') + chunks(10, 63) + END)).toBe('HTTP/1.1 200 OK read 630')
  expect(await answerTo(headTo('/') + chunks(200, 64) + END)).toBe('HTTP/1.1 200 OK read 12800')
  expect(await answerTo(headTo('/') + chunks(500, 1_024) + END)).toBe('HTTP/1.1 200 OK read 512000')
  for (const [count, length] of [
    [11, 63],
    [201, 64],
    [201, 1_023],
  ] as const) {
    const answer = await answerTo(headTo('/') + chunks(count, length))
    expect(answer).toMatch(/^HTTP\/1\.1 413 Payload Too Large \{"error":\{"code":"too_large"/)
  }
})

it('[S415] the rest of a body that is thrown away after its answer counts, too', async () => {
  const { socket, heard, closed } = open()
  socket.write(headTo('/refused').replace('Connection: close\r\n', ''))
  await once(socket, 'data')
  // It has no end: the connection is cut, or this test never ends.
  const more = () => socket.writable && socket.write(chunks(1_000, 1), more)
  more()
  await closed
  expect(heard.text).toMatch(/^HTTP\/1\.1 401 /)
  expect(heard.text).not.toContain('413')
})

it('[S415] the parser of a connection that was cut reads the body of the next one whole', async () => {
  for (let round = 0; round < 5; round++) {
    expect(await answerTo(headTo('/') + chunks(5_000, 1))).toMatch(/^HTTP\/1\.1 413 /)
    expect(await answerTo(headTo('/') + chunks(10, 1) + END)).toBe('HTTP/1.1 200 OK read 10')
  }
})
