import { HandClock } from '@joinery/log/testing'
import type { LeaseAsk, LeasedWork, SagaShape } from '@joinery/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { WorkNews } from './heard-offers.ts'
import { SharedWork, type WorkPlace } from './shared-work.ts'
import { sagaOf, TaskScene } from './testing/task-scene.ts'

const one = sagaOf(['one'])
const other = sagaOf(['one'], { name: 'other' })
const [HERE, THERE, BEYOND] = ['here', 'there', 'beyond']

/** A server with its tasks, and its part of the common work. */
interface Place {
  readonly scene: TaskScene
  readonly work: SharedWork
  /** Questions of the other servers to this one. */
  readonly asked: LeaseAsk[]
  readonly told: WorkNews[]
  /** Answers its questions in another way. */
  take: (ask: LeaseAsk) => Promise<readonly LeasedWork[]>
}

let clock: HandClock
let places: Map<string, Place>
/** Whether words between the servers arrive. */
let isHeard: boolean
let failures: unknown[]

beforeEach(async () => {
  clock = new HandClock()
  places = new Map()
  isHeard = true
  failures = []
  for (const name of [HERE, THERE, BEYOND]) await open(name)
  // The time in which a new server is asked by all.
  clock.pass(20_000)
  for (const { told } of places.values()) told.length = 0
})
afterEach(async () => {
  for (const { scene, work } of places.values()) {
    work.close()
    await scene.close()
  }
})

async function open(name = ''): Promise<void> {
  const scene = await TaskScene.open({ clock })
  const told: WorkNews[] = []
  const tell = (news: WorkNews): void => {
    told.push(news)
    if (isHeard) for (const [id, each] of places) if (id !== name) each.work.hear(name, news)
  }
  const work = new SharedWork({
    ...{ offers: scene.engine.offers, tell, clock },
    onFailure: (_, error) => failures.push(error),
  })
  const take = (ask: LeaseAsk): Promise<LeasedWork[]> => scene.work(ask.serves, ask)
  places.set(name, { scene, work, told, asked: [], take })
}

function at(name = ''): Place {
  const place = places.get(name)
  if (place === undefined) throw new Error(`there is no ${name}`)
  return place
}

function lease(
  name = '',
  serves: readonly SagaShape[] = [one],
  ask: Partial<LeaseAsk> = {},
  signal = new AbortController().signal,
): Promise<LeasedWork[]> {
  const { scene, work } = at(name)
  const others = (): WorkPlace[] =>
    [...places].flatMap(([id, place]) =>
      id === name
        ? []
        : {
            id,
            take: (asked) => {
              place.asked.push(asked)
              return place.take(asked)
            },
            release: (token) => place.scene.engine.release(token),
          },
    )
  const own = (asked: LeaseAsk, until: AbortSignal): Promise<LeasedWork[]> =>
    scene.engine.lease(asked, () => true, until)
  return work.lease({ worker: 'w', serves, max: 1, waitMs: 0, ...ask }, { own, others }, signal)
}

/** Lets all that needs no time happen. */
async function settle(): Promise<void> {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** Number of questions to all servers since the last call. */
function questions(): number {
  let count = 0
  for (const { asked } of places.values()) count += asked.splice(0).length
  return count
}

it('[J110] a worker that waits at one server gets a step of another one as soon as it is there, and an idle cluster says nothing', async () => {
  const waiting = lease(HERE, [one], { waitMs: 25_000 })
  await settle()
  // Both others have met the worker: a task of its saga may be started there.
  expect(questions()).toBe(2)
  clock.pass(9_000)
  await settle()
  expect([questions(), at(THERE).told]).toEqual([0, []])
  const { id } = await at(THERE).scene.begin(one, {}, 'far')
  clock.pass(19)
  await settle()
  expect(questions()).toBe(0)
  clock.pass(1)
  expect(await waiting).toMatchObject([{ task: id, workspace: 'far' }])
  expect(questions()).toBe(1)
})

it('[J110] an own worker that asks at once gets the step before others hear of it', async () => {
  await lease(THERE)
  await at(THERE).scene.begin(one)
  expect(await lease(THERE)).toMatchObject([{ step: 'one' }])
  clock.pass(1_000)
  expect(at(THERE).told).toEqual([])
})

it('[J110] calls take from each server in turn, whichever has more', async () => {
  await lease(HERE)
  for (const workspace of ['a', 'b', 'c', 'd']) await at(HERE).scene.begin(one, {}, `here-${workspace}`)
  for (const name of [THERE, BEYOND]) for (const n of [1, 2]) await at(name).scene.begin(one, {}, `${name}-${n}`)
  clock.pass(100)
  const given: string[] = []
  for (let n = 0; n < 6; n++) given.push((await lease(HERE))[0]?.workspace.split('-')[0] ?? 'nothing')
  expect(given.toSorted()).toEqual([BEYOND, BEYOND, HERE, HERE, THERE, THERE])
})

it('[J110] a word that is lost costs a second', async () => {
  const waiting = lease(HERE, [one], { waitMs: 25_000 })
  await settle()
  isHeard = false
  await at(THERE).scene.begin(one)
  clock.pass(500)
  isHeard = true
  await settle()
  clock.pass(1_000)
  expect(await waiting).toHaveLength(1)
})

it('[J110] steps that a worker may not have make it ask ever less often, and others are found beside them', async () => {
  const news = (): void => at(HERE).work.hear(THERE, { sagas: ['saga'], fresh: ['saga'] })
  const waiting = lease(HERE, [one], { waitMs: 25_000 })
  await settle()
  questions()
  for (let n = 0; n < 100; n++) {
    news()
    clock.pass(100)
    await settle()
  }
  expect(questions()).toBeLessThan(15)
  // A repeated word is no news.
  await at(BEYOND).scene.begin(other)
  const { asked } = at(BEYOND)
  clock.pass(5_000)
  await settle()
  expect(asked.length).toBeLessThanOrEqual(1)
  await at(THERE).scene.begin(one)
  clock.pass(2_100)
  expect(await waiting).toHaveLength(1)
})

it('[J110] a server that does not answer holds a worker up for a second, and gets back what it gives too late', async () => {
  await lease(HERE)
  await at(THERE).scene.begin(one)
  clock.pass(100)
  const gate = Promise.withResolvers<void>()
  at(THERE).take = async (ask) => {
    await gate.promise
    return at(THERE).scene.work(ask.serves, ask)
  }
  const waiting = lease(HERE, [one], { waitMs: 25_000 })
  await settle()
  clock.pass(1_000)
  await settle()
  const { id } = await at(HERE).scene.begin(one, {}, 'near')
  expect(await waiting).toMatchObject([{ task: id }])
  gate.resolve()
  await settle()
  at(THERE).take = (ask) => at(THERE).scene.work(ask.serves, ask)
  clock.pass(200)
  expect(await lease(HERE)).toMatchObject([{ workspace: 'acme/docs', attempt: 2 }])
  expect(failures).toEqual([])
})

it('[J110] steps for a worker that has gone meanwhile are given back', async () => {
  await lease(HERE)
  await at(THERE).scene.begin(one)
  clock.pass(100)
  const gone = new AbortController()
  const gate = Promise.withResolvers<void>()
  at(THERE).take = async (ask) => {
    await gate.promise
    return at(THERE).scene.work(ask.serves, ask)
  }
  const left = lease(HERE, [one], { waitMs: 25_000 }, gone.signal)
  await settle()
  gone.abort()
  expect(await left).toEqual([])
  gate.resolve()
  await settle()
  expect(at(THERE).scene.engine.gauges.leases).toBe(0)
})

it('[J110] what another server refuses is refused, and its failures count as an answer without steps', async () => {
  const changed = sagaOf(['another'])
  await lease(THERE, [changed], { worker: 'v', waitMs: 0 })
  await expect(lease(HERE, [one])).rejects.toMatchObject({ code: 'invalid' })
  at(THERE).take = () => Promise.reject(new Error('cut off'))
  expect(await lease(BEYOND, [other])).toEqual([])
  expect(failures).toMatchObject([{ message: 'cut off' }])
})

it('[J110] all servers know a worker that waits at one of them, and at once when it stops', async () => {
  await lease(HERE, [one])
  const { scene } = at(THERE)
  const task = await scene.engine.start('far', { saga: 'saga', input: {}, by: { actor: 'ada', source: 'user_action' } })
  const waits = async (): Promise<unknown> => (await scene.find(task.task, 'far')).waiting?.reason
  expect(await waits()).toMatch(/all workers that serve saga are busy/)
  await lease(HERE, [one], { stops: true })
  expect(await waits()).toMatch(/no worker that serves saga is connected/)
})

it('[J110] a server that has just started is asked by workers that wait already', async () => {
  const waiting = lease(HERE, [one], { waitMs: 25_000 })
  await settle()
  questions()
  await open('new')
  await settle()
  clock.pass(1_100)
  await settle()
  expect(at('new').asked).toMatchObject([{ worker: 'w' }])
  await at('new').scene.begin(one)
  clock.pass(100)
  expect(await waiting).toHaveLength(1)
})
