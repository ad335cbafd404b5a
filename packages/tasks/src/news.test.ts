import type { Json, StepShape } from '@joinery/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { TaskView } from './task.ts'
import { sagaOf, TaskScene } from './testing/task-scene.ts'

let scene: TaskScene
beforeEach(async () => {
  scene = await TaskScene.open()
})
afterEach(() => scene.close())

/** Below the longest pause of the server, so that no pause is cut. */
const PAUSE_MS = 600_000
const poll: StepShape = {
  ...{ name: 'watch', kind: 'step', follows: 'payment@1', host: 'bank' },
  ...{ retry: { attempts: 3, firstMs: PAUSE_MS, maxMs: PAUSE_MS }, giveUpAfterMs: 99.5 * PAUSE_MS },
}
const watching = sagaOf([poll], { name: 'payment@1' })
const telling = sagaOf([{ name: 'look', kind: 'step', tells: 'payment@1' }], { name: 'observe' })
const DEPOSIT = { block: 'order', name: 'deposit' }

/** Makes one attempt at the steps that wait, which find nothing new. */
async function lookInVain(saga = watching, kind: 'pending' | 'throttled' = 'pending'): Promise<void> {
  const { token } = await scene.next([saga])
  await scene.engine.failed(token, { error: 'it is processing yet', class: kind })
}

async function bringNews(of: Json = DEPOSIT): Promise<void> {
  await scene.begin(telling, { input: of })
  await scene.engine.done((await scene.next([telling])).token, { result: null })
}

const isWaiting = async (task: TaskView): Promise<boolean> => (await scene.find(task)).state === 'waiting'

it('[J95] news of a resource end the pause of the step that follows it, and of no other', async () => {
  const task = await scene.begin(watching, { input: DEPOSIT })
  await lookInVain()
  const others: Json[] = [
    { block: 'order', name: 'rest' },
    { block: 'other', name: 'deposit' },
    { block: 1 },
    'order',
    null,
  ]
  for (const other of others) {
    await bringNews(other)
    expect(await scene.work([watching]), JSON.stringify(other)).toEqual([])
  }
  expect(await isWaiting(task)).toBe(true)
  await bringNews()
  const { token, attempt } = await scene.next([watching])
  expect(attempt).toBe(2)
  await scene.engine.done(token, { result: 'captured' })
  expect(await scene.find(task)).toMatchObject({ state: 'done' })
  const events = scene.engine.events('acme/docs', task.id, { after: 0, signal: new AbortController().signal })
  const names: string[] = []
  for await (const { type } of events) names.push(type)
  expect(names.filter((name) => name === 'step.woken')).toHaveLength(1)
})

it('[J95] news that were written before the server ended are not lost, and lost ones are found by the pause', async () => {
  const task = await scene.begin(watching, { input: DEPOSIT })
  await lookInVain()
  await bringNews()
  await scene.restart()
  await scene.begin(watching, { key: 'announce' })
  scene.clock.pass(1_000)
  const works = await scene.work([watching], { max: 9 })
  expect(works.map((work) => work.task)).toContain(task.id)
  for (const { token } of works) await scene.engine.failed(token, { error: 'not yet', class: 'pending' })
  expect(await scene.work([watching])).toEqual([])
  scene.clock.pass(PAUSE_MS)
  expect((await scene.work([watching], { max: 9 })).map((work) => work.task)).toContain(task.id)
  const [whole, halves] = await scene.folds('acme/docs')
  expect(halves).toEqual(whole)
})

it('[J95] an attempt that ran while the news came is made again at once if it found nothing', async () => {
  const task = await scene.begin(watching, { input: DEPOSIT })
  const first = await scene.next([watching])
  await bringNews()
  expect(await scene.engine.beat(first.token, {})).toBe('go')
  await scene.engine.failed(first.token, { error: 'it is processing yet', class: 'pending' })
  expect(await scene.next([watching])).toMatchObject({ attempt: 2, task: task.id })
})

it('[J95] news do not shorten the pause of a host that fails or asks for patience', async () => {
  const task = await scene.begin(watching, { input: DEPOSIT })
  await lookInVain(watching, 'throttled')
  await bringNews()
  expect(await scene.work([watching])).toEqual([])
  expect(await isWaiting(task)).toBe(true)
})

it('[J95] the items of a step are woken one by one', async () => {
  const each = sagaOf([{ ...poll, kind: 'each', concurrency: 10 }], { name: 'batch' })
  await scene.begin(each, { input: {} })
  const items = ['a', 'b', 'c'].map((name) => ({ key: name, value: { block: 'order', name } }))
  await scene.engine.done((await scene.next([each])).token, { items })
  for (let n = 0; n < 3; n++) await lookInVain(each)
  await bringNews({ block: 'order', name: 'b' })
  const works = await scene.work([each], { max: 9 })
  expect(works.map(({ item }) => item?.key)).toEqual(['b'])
})

it('[J95] a step that waits for a person, since it has waited for too long, goes on by itself', async () => {
  const held = sagaOf([{ ...poll, onFailure: 'wait', giveUpAfterMs: 1.5 * PAUSE_MS }], { name: 'payment@1' })
  const task = await scene.begin(held, { input: DEPOSIT })
  await lookInVain(held)
  scene.clock.pass(PAUSE_MS)
  await lookInVain(held)
  expect(await scene.find(task)).toMatchObject({ state: 'waiting', waiting: { code: 'operator' } })
  await bringNews()
  await scene.engine.done((await scene.next([held])).token, { result: 'captured' })
  expect(await scene.find(task)).toMatchObject({ state: 'done' })
})

it('[J9] a step that waits for something is bounded by its time, however many attempts find nothing', async () => {
  const task = await scene.begin(watching, { input: DEPOSIT })
  for (let n = 0; n < 99; n++) {
    await lookInVain()
    expect(await isWaiting(task)).toBe(true)
    scene.clock.pass(PAUSE_MS)
  }
  await lookInVain()
  expect(await scene.find(task)).toMatchObject({ state: 'failed' })
})
