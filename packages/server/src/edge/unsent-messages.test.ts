import { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { UnsentBytes } from './unsent-bytes.ts'
import { UnsentMessages } from './unsent-messages.ts'

/** A connection on a socket that takes everything at once, as the kernel's buffers do for a while. */
function connection() {
  let taken = 0
  const socket = new Duplex({
    read: () => undefined,
    writev(chunks, done) {
      for (const { chunk } of chunks) taken += chunk.length
      done()
    },
    write(chunk: Buffer, _encoding, done) {
      taken += chunk.length
      done()
    },
  })
  const total = new UnsentBytes(Number.POSITIVE_INFINITY)
  const holder = { unsentBytes: 0, unsentSinceMs: 0, principal: 'a', endUnsent: () => undefined }
  const emptied = Promise.withResolvers<void>()
  const messages = new UnsentMessages(socket, total, holder, emptied.resolve)
  return { messages, total, emptied: emptied.promise, taken: () => taken }
}

const BYTES = 4 * 1024 * 1024

it('[S194] a socket that takes everything at once gets a large message in parts, one for each turn', async () => {
  const { messages, total, emptied, taken } = connection()
  messages.add(Buffer.alloc(BYTES))
  expect(taken()).toBeLessThanOrEqual(256 * 1024)
  let turns = 0
  for (; taken() < BYTES; turns++) {
    const before = taken()
    await new Promise(setImmediate)
    expect(taken() - before).toBeLessThanOrEqual(256 * 1024)
  }
  await emptied
  expect(turns).toBeGreaterThanOrEqual(15)
  expect(total.bytes).toBe(0)
})

it('[S195] messages that have not begun can be dropped, and the one that has begun goes out whole', async () => {
  const { messages, total, emptied, taken } = connection()
  messages.add(Buffer.alloc(BYTES))
  messages.add(Buffer.alloc(BYTES))
  messages.drop()
  await emptied
  expect(taken()).toBe(BYTES)
  expect(total.bytes).toBe(0)
})
