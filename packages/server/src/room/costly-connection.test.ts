import { openMemoryStore } from '@joinery/log'
import { encodeUpdate, type WorkspaceId } from '@joinery/protocol'
import * as encoding from 'lib0/encoding'
import { afterEach, expect, it, onTestFinished } from 'vitest'
import { UNRULED } from '../content/document-rules.ts'
import { ServerFixture } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const LARGE = 2_000
/** Rules that take a tenth of a second to inspect a large update, as a hostile one may. */
const rules = {
  open: () => ({
    ...UNRULED,
    inspect: (update: Uint8Array) => {
      const sinceMs = performance.now()
      while (update.length > LARGE && performance.now() - sinceMs < 100);
      return undefined
    },
  }),
}

/** Counts the turns of the event loop until the test ends. */
function countTurns(): { count: number } {
  const turn = { count: 0 }
  let next = setImmediate(function again() {
    turn.count++
    next = setImmediate(again)
  })
  onTestFinished(() => clearImmediate(next))
  return turn
}

it('[S181] a connection that costs too much rests, others go on, and nothing that it sent is lost', async () => {
  const store = openMemoryStore()
  // The connection rests 100 s for each of its updates, until the server closes. A turn of the bystander that a busy machine makes long
  // is paid in less.
  const limits = {
    principalCostShare: 1e-3,
    principalCostBurstMs: 1_000,
    workspaceCostBurstMs: 1e9,
    costContentionMs: 1e9,
    drainMs: 60_000,
  }
  fixture = await ServerFixture.start({ store, rules, limits })
  const [costly, bystander] = await Promise.all([
    fixture.client('w?joinery=1').synced(),
    fixture.client('other?joinery=1').synced(),
  ])
  const settled = (): boolean => costly.message('durable')?.frames === costly.sentUpdates
  while (fixture.server.load().resting === 0) {
    costly.text.insert(0, 'x'.repeat(2 * LARGE))
    await expect.poll(() => settled() || fixture.server.load().resting === 1).toBe(true)
  }
  for (let edit = 0; edit < 5; edit++) costly.text.insert(0, 'y'.repeat(2 * LARGE))
  for (let edit = 1; edit <= 5; edit++) {
    bystander.text.insert(0, 'z')
    await bystander.until(() => bystander.message('durable')?.frames === bystander.sentUpdates)
  }
  await expect.poll(() => fixture.server.load()).toMatchObject({ resting: 1 })
  expect(fixture.server.counters.rests).toBeGreaterThanOrEqual(1)
  expect(settled()).toBe(false)
  expect(costly.closed).toBeUndefined()

  await fixture.server.close()
  fixture = await ServerFixture.start({ store })
  const reader = await fixture.client('w').synced()
  expect(reader.text.toString()).toBe(costly.text.toString())
})

it('[S196] updates of several connections that take long are applied in turns of their own, in one room and in several', async () => {
  const turn = countTurns()
  const turns: number[] = []
  const slow = {
    open: () => ({
      ...rules.open(),
      inspect: (update: Uint8Array) => {
        if (update.length > LARGE) turns.push(turn.count)
        return rules.open().inspect(update)
      },
    }),
  }
  fixture = await ServerFixture.start({ rules: slow })
  const clients = await Promise.all(
    ['a', 'a', 'a', 'b', 'c'].map((name) => fixture.client(`${name}?joinery=1`).synced()),
  )
  for (const client of clients) client.text.insert(0, 'x'.repeat(2 * LARGE))
  const settled = clients.map((client) => client.until(() => client.message('durable')?.frames === client.sentUpdates))
  await Promise.all(settled)
  expect(turns).toHaveLength(clients.length)
  expect(new Set(turns).size).toBe(clients.length)
  await clients[0]?.until(() => clients[0]?.text.length === 3 * 2 * LARGE)
})

it('[S351] a room whose updates have waited for a turn goes before rooms that have had theirs and have more to do', async () => {
  const order: string[] = []
  const slow = {
    open: () => ({
      ...rules.open(),
      inspect: (update: Uint8Array) => {
        if (update.length > LARGE) order.push(update.length > 3 * LARGE ? 'waiting' : 'busy')
        return rules.open().inspect(update)
      },
    }),
  }
  fixture = await ServerFixture.start({ rules: slow })
  const names = ['busy', 'busy', 'busy', 'busy', 'waiting']
  const clients = await Promise.all(names.map((name) => fixture.client(`${name}?joinery=1`).synced()))
  for (const [index, client] of clients.entries()) {
    client.text.insert(0, 'x'.repeat(names[index] === 'busy' ? 2 * LARGE : 4 * LARGE))
  }
  await Promise.all(
    clients.map((client) => client.until(() => client.message('durable')?.frames === client.sentUpdates)),
  )
  expect(order).toHaveLength(names.length)
  expect(order.indexOf('waiting')).toBeLessThanOrEqual(2)
})

it('[S354] idle rooms that are due at once are closed in several turns', async () => {
  const count = 200
  fixture = await ServerFixture.start({ limits: { roomIdleMs: 1 } })
  const { server } = fixture
  const names = Array.from({ length: count }, (_, index) => `w${index}` as WorkspaceId)
  await Promise.all(names.map((name) => server.workspaces.read(name, () => undefined)))
  let mostAtOnce = 0
  let closed = server.counters.roomsClosed
  let next = setImmediate(function again() {
    mostAtOnce = Math.max(mostAtOnce, server.counters.roomsClosed - closed)
    closed = server.counters.roomsClosed
    next = setImmediate(again)
  })
  onTestFinished(() => clearImmediate(next))
  await expect.poll(() => server.counters.roomsClosed).toBe(count)
  expect(mostAtOnce).toBeLessThan(count / 2)
})

/** An update with 2,000 deletions of what a client has not written. */
function deletionsOf(client: number): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [0, 1, client, 2_000]) encoding.writeVarUint(encoder, number)
  for (let at = 0; at < 2_000; at++) for (const number of [2 * at, 1]) encoding.writeVarUint(encoder, number)
  return encoding.toUint8Array(encoder)
}

it('[S327] one connection’s updates that make Yjs read again what waits are taken in several turns, in order', async () => {
  const turn = countTurns()
  const turns: number[] = []
  const counting = {
    open: () => ({
      ...UNRULED,
      inspect: () => {
        turns.push(turn.count)
        return undefined
      },
    }),
  }
  // All of it comes in one tick.
  const many = 10_000_000
  fixture = await ServerFixture.start({ rules: counting, limits: { tickBytesMax: many, pendingBytesMax: many } })
  const client = await fixture.client('w?joinery=1').synced()
  await client.until(() => client.message('durable')?.frames === client.sentUpdates)
  turns.length = 0
  client.inOneGo(...Array.from({ length: 30 }, (_, index) => encodeUpdate(deletionsOf(1_000 + index))))
  client.text.insert(0, 'behind')
  await client.until(() => client.message('durable')?.frames === client.sentUpdates)
  expect(turns.length).toBe(31)
  expect(new Set(turns).size).toBeGreaterThan(1)
  const reader = await fixture.client('w').synced()
  expect(reader.text.toString()).toBe('behind')
  expect(client.closed).toBeUndefined()
})
