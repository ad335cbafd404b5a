import { afterAll, beforeAll, expect, it } from 'vitest'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { WrongClock } from '../support/wrong-clock.ts'
import { type ApiProcess, startApiServer } from './api-process.ts'
import { HttpCaller } from './http-caller.ts'
import { machineMs } from './lease-actor.ts'
import type { LeaseCall } from './lease-history.ts'
import { LeaseProcess } from './lease-process.ts'

const LEASES = '/v1/workspaces/w/leases'
const DAY_MS = 86_400_000

/** One server for all tests. */
const open = new AsyncDisposableStack()
let clock: WrongClock
let server: ApiProcess
beforeAll(async () => {
  const home = open.use(await tempDirectory())
  clock = await WrongClock.open(home.path)
  server = open.use(await startApiServer({ directory: `${home.path}/data`, clock }))
})
afterAll(() => open.disposeAsync())

it('[S293] a server whose time of day jumps by a day, forth and back, ends no lease sooner and keeps none longer', async () => {
  using caller = new HttpCaller(server.url)
  const acquire = (name: string, ttlMs: number, waitMs = 0) =>
    caller.call('POST', LEASES, { name, ttlMs, waitMs }).then(({ status, json }) => ({ status, ...json }))
  const long = await acquire('long', DAY_MS / 2)
  let fence = long.fence
  for (const days of [1, -1, 0]) {
    await clock.step(days * DAY_MS)
    const written = await caller.call(
      'PUT',
      '/v1/workspaces/w/blocks/b',
      { type: 'text', content: String(days) },
      {
        'x-joinery-lease': long.token,
      },
    )
    expect([days, written.status]).toEqual([days, days === 1 ? 201 : 200])
    const renewed = await caller.call('POST', `${LEASES}/long/renew`, { token: long.token })
    expect(renewed.json.remainingMs).toBeGreaterThan(DAY_MS / 2 - 60_000)
    // A short one ends in its time, whatever the time of day is, and fences grow.
    const short = await acquire('short', 100)
    await clock.step(-days * DAY_MS)
    const next = await acquire('short', 100, 20_000)
    expect([next.status, next.fence > short.fence, short.fence > fence]).toEqual([201, true, true])
    fence = next.fence
    await caller.call('DELETE', `${LEASES}/short`, undefined, { 'x-joinery-lease': next.token })
  }
  const { json } = await caller.call('GET', `${LEASES}/long`)
  expect(json.fence).toBe(long.fence)
})

it('[S295] a process that is stopped while it holds a lease writes nothing under it once another has had it', async () => {
  const calls: LeaseCall[] = []
  const listener = { call: (call: LeaseCall) => calls.push(call), write: () => undefined }
  const config = { url: server.url, seed: 1, actors: ['zombie'], workspaces: ['z'] }
  await using zombie = new LeaseProcess(config, listener)
  const held = () => calls.findLast(({ kind, stood }) => kind === 'acquire' && stood)
  await until('the process holds a lease', () => held() !== undefined && calls.at(-1)?.kind === 'write')
  zombie.stop()
  using caller = new HttpCaller(server.url)
  // Each of its names is taken over, when the time of its lease is over.
  const taken = await Promise.all(
    ['a', 'b'].map((name) => caller.call('POST', '/v1/workspaces/z/leases', { name, ttlMs: DAY_MS, waitMs: 20_000 })),
  )
  expect(taken.map(({ status }) => status)).toEqual([201, 201])
  const takenMs = machineMs()
  zombie.goOn()
  await until('the process goes on', () => calls.some(({ kind, sentMs }) => kind === 'look' && sentMs > takenMs))
  const fences = Object.fromEntries(taken.map(({ json }) => [`z/${json.name}`, json.fence]))
  for (const call of calls.filter(({ sentMs }) => sentMs > takenMs)) {
    if (call.fence === fences[call.name]) expect(call.kind).toBe('look')
    else expect(call).toMatchObject({ kind: expect.not.stringMatching('look|acquire'), stood: false })
  }
})
