import { openMemoryStore } from '@joinery/log'
import { encodeAwareness, encodeAwarenessStates, encodeJoinery, encodeSyncStep1 } from '@joinery/protocol'
import * as encoding from 'lib0/encoding'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { countStateVector } from '../content/state-vector.ts'
import { createAuthenticator } from '../identity.ts'
import { offlineLists } from '../testing/offline-lists.ts'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'
import { SECRET, tokenOf } from '../testing/test-token.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

/** Time is never given back here, and a connection that has used a millisecond rests until the server closes. */
const STINGY = { principalCostShare: 1e-9, principalCostBurstMs: 1, workspaceCostBurstMs: 1e9, costContentionMs: 1e9 }

let clock = 0
const presence = (): Uint8Array =>
  encodeAwareness(encodeAwarenessStates([{ clientId: 7, clock: ++clock, json: `{"a":"${'x'.repeat(3_000)}"}` }]))
const long = 'x'.repeat(5_000)
const KINDS: [string, (client: RawClient) => void][] = [
  ['presence', (client) => client.send(presence())],
  ['questions about presence', (client) => client.send(Uint8Array.of(3))],
  [
    'conflicts',
    (client) =>
      client.send(encodeJoinery({ type: 'conflict', block: 'b', field: 'f', winner: long, loser: long, rule: 'r' })),
  ],
  ['unknown frames', (client) => client.send(Uint8Array.of(77, 0))],
  ['pings', (client) => client.ws.ping('x')],
]

describe('messages that are no edits', () => {
  it.each(KINDS)('[S193] a connection pays for %s, and rests when it sends them without end', async (_kind, send) => {
    fixture = await ServerFixture.start({ limits: STINGY })
    const [sender, other] = await Promise.all([
      fixture.client('w?joinery=1').synced(),
      fixture.client('w?joinery=1').synced(),
    ])
    const bystander = await fixture.client('by').synced()
    while (fixture.server.load().resting === 0) {
      for (let sent = 0; sent < 100; sent++) send(sender)
      // The others have work, too.
      bystander.send(encodeSyncStep1(Uint8Array.of(0)))
      await bystander.roundTrip()
    }
    expect(sender.closed).toBeUndefined()
    expect(other.closed).toBeUndefined()
  })
})

describe('the state vector of a SyncStep1', () => {
  const vector = (first: number, count: number): Uint8Array =>
    Y.encodeStateVector(new Map(Array.from({ length: count }, (_, index) => [first + index, 1])))
  const ask = async (stateVector: Uint8Array, query = ''): Promise<RawClient> => {
    const client = await fixture.client(`w${query}`).synced()
    const { length } = client.frames
    client.send(encodeSyncStep1(stateVector))
    await client.until(
      () => client.closed !== undefined || client.frames.slice(length).some(({ type }) => type === 'syncStep2'),
    )
    return client
  }

  it('[S191] may name stateVectorClientsMax clients, and a longer one is refused before it is decoded', async () => {
    fixture = await ServerFixture.start({ limits: { stateVectorClientsMax: 10 } })
    expect((await ask(vector(1, 10))).closed).toBeUndefined()
    expect((await ask(vector(1, 11))).closed).toMatchObject({
      code: 4413,
      reason: expect.stringContaining('11 clients, at most 10'),
    })
  })

  it('[S191] of more clients than its bytes hold, or with bytes behind its end, is no state vector', async () => {
    fixture = await ServerFixture.start()
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, 2 ** 40)
    for (const bytes of [encoding.toUint8Array(encoder), Uint8Array.of(1, 1), Uint8Array.of(0, 0), Uint8Array.of()]) {
      const client = await fixture.client('w').synced()
      client.send(encodeSyncStep1(bytes))
      await client.until(() => client.closed !== undefined)
      expect(client.closed).toMatchObject({ code: 4400 })
    }
  })

  it('[S191] that says it names more clients is refused by that number, whatever follows it', () => {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, 100_001)
    // Numbers that never end: these bytes are no state vector.
    const bytes = new Uint8Array(300_000).fill(0xff)
    bytes.set(encoding.toUint8Array(encoder))
    expect(countStateVector(bytes, 100_000)).toBe(100_001)
    expect(countStateVector(bytes, 200_000)).toBeUndefined()
  })

  it('[S191] of as many clients as are allowed, with ids of 53 bits, passes also from a reader', async () => {
    fixture = await ServerFixture.start({ authenticator: createAuthenticator({ secret: SECRET }) })
    const token = await tokenOf('reader', { access: 'read' })
    expect((await ask(vector(2 ** 53 - 200_000, 100_000), `?token=${token}`)).closed).toBeUndefined()
  })
})

it('[S192] a principal that connects again and again waits before it is let in, and another is let in at once', async () => {
  const limits = { ...STINGY, refusedDelayMaxMs: 600_000 }
  fixture = await ServerFixture.start({ authenticator: createAuthenticator({ secret: SECRET }), limits })
  const [flooding, honest] = [await tokenOf('flooder'), await tokenOf('honest')]
  const bystander = await fixture.client(`by?token=${honest}`).synced()
  const flooders: RawClient[] = []
  // While some wait, they are neither connections nor refused.
  await expect
    .poll(async () => {
      bystander.send(encodeSyncStep1(Uint8Array.of(0)))
      await bystander.roundTrip()
      // Many at once: a quick machine lets one in for less than the time until the next has paid for.
      for (let count = 0; count < 50; count++) flooders.push(fixture.client(`w?token=${flooding}`))
      return fixture.server.load().unadmitted
    })
    .toBeGreaterThan(1)
  await fixture.client(`by?token=${await tokenOf('newcomer')}`).synced()
  expect(flooders.every(({ closed }) => closed === undefined)).toBe(true)
})

it('[S326] the writer for whom a stored document is built pays for it, and rests', async () => {
  const store = openMemoryStore()
  const log = await store.open(W)
  // Yjs takes a tenth of a second to place these.
  for (const update of offlineLists(1_000)) {
    await log.append({ update, actor: 'ada', source: 'user_action', connection: 'c', touched: [] }).durable
  }
  await log.close()
  fixture = await ServerFixture.start({ store, limits: { ...STINGY, principalCostBurstMs: 30 } })
  const [ada, bystander] = await Promise.all([fixture.client('w?joinery=1').synced(), fixture.client('by').synced()])
  expect(fixture.server.counters).toMatchObject({ warmings: 0, rests: 0 })
  bystander.text.insert(0, 'x')
  ada.text.insert(0, 'y')
  while (fixture.server.load().resting === 0) {
    bystander.send(encodeSyncStep1(Uint8Array.of(0)))
    await bystander.roundTrip()
  }
  // One for each workspace, at most.
  expect(fixture.server.counters.warmings).toBeGreaterThan(0)
})
