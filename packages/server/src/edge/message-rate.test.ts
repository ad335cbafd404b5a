import { encodeAwareness, encodeAwarenessStates, encodeSyncStep1, encodeUpdate } from '@joinery/protocol'
import { afterEach, expect, it } from 'vitest'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const EMPTY = Uint8Array.of(0, 0)
const KINDS: [string, (client: RawClient) => void][] = [
  ['updates', (client) => client.send(encodeUpdate(EMPTY))],
  ['questions', (client) => client.send(encodeSyncStep1(Uint8Array.of(0)))],
  ['presence', (client) => client.send(encodeAwareness(encodeAwarenessStates([])))],
  ['unknown frames', (client) => client.send(Uint8Array.of(77, 0))],
]

it.each(KINDS)(
  '[S141] a flood of %s is closed with 4429, and a client on another workspace goes on',
  async (_kind, send) => {
    fixture = await ServerFixture.start({ limits: { messagesPerSecond: 1, messagesBurst: 500 } })
    const [flooder, one, other] = await Promise.all([
      fixture.client('w').synced(),
      fixture.client('b').synced(),
      fixture.client('b').synced(),
    ])
    for (let i = 0; i < 1_000; i++) send(flooder)
    await flooder.until(() => flooder.closed !== undefined)
    expect(flooder.closed).toMatchObject({ code: 4429, reason: expect.stringContaining('too_fast') })
    one.text.insert(0, 'x')
    await other.until(() => other.text.toString() === 'x')
  },
)

it('[S141] a flood of pings is closed with 4429, and a client on another workspace goes on', async () => {
  fixture = await ServerFixture.start({ limits: { messagesPerSecond: 1, messagesBurst: 500 } })
  const [flooder, one, other] = await Promise.all([
    fixture.client('w').synced(),
    fixture.client('b').synced(),
    fixture.client('b').synced(),
  ])
  for (let i = 0; i < 1_000; i++) flooder.ws.ping()
  await flooder.until(() => flooder.closed !== undefined)
  expect(flooder.closed).toMatchObject({ code: 4429, reason: expect.stringContaining('too_fast') })
  one.text.insert(0, 'x')
  await other.until(() => other.text.toString() === 'x')
})

it('[S141] the rate gives back what a burst took', async () => {
  fixture = await ServerFixture.start({ limits: { messagesPerSecond: 100_000, messagesBurst: 50 } })
  const client = await fixture.client('w').synced()
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 20; i++) client.send(encodeUpdate(EMPTY))
    await client.roundTrip()
  }
  expect(client.closed).toBeUndefined()
})
