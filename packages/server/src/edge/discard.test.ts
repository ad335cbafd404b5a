import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { discard } from './discard.ts'

it('[S190] a refused socket is read a packet at a time, with a rest after each, and to its end', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  let isPausedAfterEach = true
  let read = 0
  discard(socket)
  socket.on('data', (chunk: Buffer) => {
    read += chunk.length
    isPausedAfterEach &&= socket.isPaused()
  })
  client.end(Buffer.alloc(200_000))
  await once(socket, 'end')
  expect(read).toBe(200_000)
  expect(isPausedAfterEach).toBe(true)
  socket.destroy()
  server.close()
})
