import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { ServerFixture } from '../testing/server-fixture.ts'
import { RefusedClients } from './refused-clients.ts'

describe('clients whose updates were refused', () => {
  it('[S96] wait after some refusals, longer after each, up to a bound, and shorter as time passes', () => {
    const clients = new RefusedClients({ refusalsMax: 3, refusalMs: 1_000, delayMaxMs: 2_500 })
    const delays = Array.from({ length: 7 }, () => {
      clients.note('a', 0)
      return clients.delayMs('a', 0)
    })
    expect(delays).toEqual([0, 0, 0, 1_000, 2_000, 2_500, 2_500])
    expect(clients.delayMs('a', 3_500)).toBe(500)
    expect([clients.delayMs('a', 4_000), clients.delayMs('b', 0)]).toEqual([0, 0])
  })

  it('[S96] are remembered up to a number, the latest of them', () => {
    const clients = new RefusedClients({ refusalsMax: 0, refusalMs: 1_000, delayMaxMs: 1_000 })
    for (let n = 0; n < 5_000; n++) clients.note(`${n}`, 0)
    expect(clients.delayMs('0', 0)).toBe(0)
    expect(clients.delayMs('4999', 0)).toBe(1_000)
  })
})

describe('a stock client that is refused', () => {
  let fixture: ServerFixture
  afterEach(() => fixture.close())

  const opened = (ws: WebSocket) => new Promise<void>((resolve) => ws.once('open', () => resolve()))

  it('[S96] gets the answer to its next upgrade later, and other clients at once', async () => {
    // So long that the delayed client is still waiting when the others are through, however slow the machine is.
    fixture = await ServerFixture.start({
      limits: { refusalsMax: 0, refusalMs: 3_600_000, refusedDelayMaxMs: 3_600_000 },
    })
    const url = fixture.server.url.replace('http', 'ws')
    const refused = await fixture.client('w').synced()
    refused.send(Uint8Array.of(0, 2, 3, 1, 1, 1))
    await refused.until(() => refused.closed !== undefined)
    expect(refused.closed?.code).toBe(4400)
    const again = new WebSocket(`${url}/w`)
    const knowing = new WebSocket(`${url}/w?joinery=1`)
    await opened(knowing)
    const elsewhere = await fixture.client('other').synced()
    await elsewhere.roundTrip()
    expect(again.readyState).toBe(WebSocket.CONNECTING)
    const ended = new Promise((resolve) => again.once('error', resolve))
    again.terminate()
    await ended
    knowing.terminate()
  })
})
