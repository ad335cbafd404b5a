import type { ServerResponse } from 'node:http'
import { CLOSE } from '@joinery/protocol'
import { afterEach, expect, it } from 'vitest'
import { GatewayScene } from '../testing/gateway-scene.ts'

let scene = new GatewayScene()
afterEach(async () => {
  await scene.close()
  scene = new GatewayScene()
})

it('[Q44] a pipe is cut when its owner does not answer, and the next client finds an owner that does', async () => {
  const { one, two } = await scene.ownedByOne()
  const bob = await two.server.client('w?joinery=1').synced()
  // As a stalled process: its connections stand, and nobody answers for it.
  await one.nodes.leave()
  await bob.until(() => bob.closed !== undefined)
  expect(bob.closed?.code).toBe(CLOSE.restart)
  await two.server.client('w?joinery=1').synced()
  expect(two.server.server.load().rooms).toBe(1)
})

it('[Q45] a workspace whose owner has ended without a word is taken over by the node that is asked', async () => {
  const { one, two } = await scene.ownedByOne()
  await one.close()
  await scene.engine.connect('x').meta.create('own.dw', Buffer.from(JSON.stringify(one.info)))
  await two.server.client('w?joinery=1').synced()
  expect(two.server.server.load().rooms).toBe(1)
})

it('[Q43] a stream arrives as it is sent, and one that nobody reads is not read on from the owner', async () => {
  let sent = 0
  const chunk = Buffer.alloc(64 * 1024, 'x')
  const more = (response: ServerResponse): void => {
    while (response.write(chunk)) sent += chunk.length
    response.once('drain', () => more(response))
  }
  const { two } = await scene.ownedByOne({
    request: ({ url }, response) => {
      response.writeHead(200)
      if (url === '/of/w/events') response.write('first')
      else more(response)
    },
  })
  const stream = scene.open(two)
  stream.socket.write('GET /of/w/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await expect.poll(() => stream.heard).toMatch(/first/)
  const slow = scene.open(two)
  slow.socket.write('GET /of/w/all HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await expect.poll(() => slow.heard.length).toBeGreaterThan(0)
  slow.socket.pause()
  let before = -1
  await expect
    .poll(
      () => {
        const isSame = before === sent
        before = sent
        return isSame
      },
      { interval: 200 },
    )
    .toBe(true)
  expect(sent).toBeLessThan(64 * 1024 * 1024)
  slow.socket.destroy()
  await expect.poll(() => two.gateway.counts.openPipes).toBe(1)
})
