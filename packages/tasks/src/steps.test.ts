import type { StepShape } from '@joinery/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ADA, sagaOf, TaskScene, W } from './testing/task-scene.ts'

let scene: TaskScene
beforeEach(async () => {
  scene = await TaskScene.open()
})
afterEach(() => scene.close())

const each: StepShape = { name: 'files', kind: 'each', hasUndo: true, concurrency: 2 }
const items = ['a', 'b', 'c'].map((key) => ({ key, value: { path: key } }))

describe('an `each` step', () => {
  it('[J4] is planned once, and runs its items with its concurrency; its results are in their order', async () => {
    const saga = sagaOf([each, 'after'])
    const task = await scene.begin(saga)
    const plan = await scene.next([saga])
    expect(plan).toMatchObject({ kind: 'plan', step: 'files' })
    await scene.engine.done(plan.token, { items })
    const [a, b, ...rest] = await scene.work([saga], { max: 9 })
    expect(rest).toEqual([])
    expect([a?.item, b?.item]).toEqual(items.slice(0, 2))
    await scene.engine.done(b?.token ?? '', { result: 'B' })
    const c = await scene.next([saga], { max: 9 })
    expect(c.item?.key).toBe('c')
    await scene.engine.done(c.token, { result: 'C' })
    expect(await scene.find(task)).toMatchObject({ steps: [{ done: 2, total: 3, state: 'running' }, {}] })
    await scene.restart()
    await scene.engine.done(a?.token ?? '', { result: 'A' })
    expect(await scene.next([saga])).toMatchObject({ step: 'after', results: { files: ['A', 'B', 'C'] } })
  })

  it('[J4] without items is complete as soon as it is planned', async () => {
    const saga = sagaOf([each])
    const task = await scene.begin(saga)
    await scene.engine.done((await scene.next([saga])).token, { items: [] })
    expect(await scene.find(task)).toMatchObject({ state: 'done', results: { files: [] } })
  })
})

describe('a sleep', () => {
  const saga = sagaOf([{ name: 'pause', kind: 'sleep', sleepMs: 60_000 }, 'after'])

  it('[J5] ends by itself, not before its time, whatever becomes of the wall clock, and not sooner by a restart', async () => {
    const task = await scene.begin(saga)
    expect(await scene.find(task)).toMatchObject({
      state: 'waiting',
      waiting: { code: 'sleep', until: expect.any(Number) },
    })
    scene.clock.step(86_400_000)
    scene.clock.pass(59_000)
    expect(await scene.work([saga])).toEqual([])
    scene.clock.step(-2 * 86_400_000)
    scene.clock.pass(1_001)
    expect(await scene.next([saga])).toMatchObject({ step: 'after', results: { pause: null } })
  })

  it('[J5] goes on after a restart by the wall clock', async () => {
    await scene.begin(saga)
    scene.clock.pass(30_000)
    await scene.restart()
    scene.clock.pass(29_000)
    expect(await scene.work([saga])).toEqual([])
    scene.clock.pass(1_001)
    expect(await scene.next([saga])).toMatchObject({ step: 'after' })
  })
})

describe('a wait for a signal', () => {
  const saga = sagaOf([{ name: 'approved', kind: 'signal', timeoutMs: 60_000 }, 'after'])
  const signal = { name: 'approved', id: 's1', payload: { by: 'Ada' } }

  it('[J6] ends with the signal, which may come before, and is taken once', async () => {
    const twice = sagaOf(['first', { name: 'approved', kind: 'signal' }])
    const task = await scene.begin(twice)
    await scene.engine.signal(W, task.id, signal, ADA)
    await scene.engine.signal(W, task.id, signal, ADA)
    await scene.restart()
    await scene.engine.done((await scene.next([twice])).token, {})
    expect(await scene.find(task)).toMatchObject({ state: 'done', results: { approved: { by: 'Ada' } } })
    const other = await scene.begin(saga)
    expect(await scene.find(other)).toMatchObject({ state: 'waiting', waiting: { code: 'signal' } })
    await scene.engine.signal(W, other.id, signal, ADA)
    expect(await scene.next([saga])).toMatchObject({ task: other.id, results: { approved: { by: 'Ada' } } })
  })

  it('[J6] fails when the signal does not come in time', async () => {
    const task = await scene.begin(saga)
    scene.clock.pass(60_001)
    expect(await scene.find(task)).toMatchObject({ state: 'failed', error: { step: 'approved' } })
  })

  it('[J6] keeps a bounded number of signals, and refuses one for a task that has ended', async () => {
    const bounded = await TaskScene.open({ limits: { signalsMax: 2 } })
    const task = await bounded.begin(sagaOf(['one']))
    for (const id of ['1', '2']) await bounded.engine.signal(W, task.id, { ...signal, id }, ADA)
    const third = bounded.engine.signal(W, task.id, { ...signal, id: '3' }, ADA)
    await expect(third).rejects.toMatchObject({ code: 'too_large' })
    await bounded.engine.terminate(W, task.id, ADA)
    const late = bounded.engine.signal(W, task.id, { ...signal, id: '4' }, ADA)
    await expect(late).rejects.toMatchObject({ code: 'already_done' })
    await bounded.close()
  })
})

describe('the key of an attempt', () => {
  it('[J7] is the same in every attempt and after a restart, and another for each item and for the undo', async () => {
    const saga = sagaOf([each, 'fails'])
    await scene.begin(saga)
    await scene.engine.done((await scene.next([saga])).token, { items })
    const first = await scene.work([saga], { max: 2 })
    await scene.engine.failed(first[0]?.token ?? '', { error: 'no', class: 'transient' })
    scene.clock.pass(1_001)
    await scene.restart()
    const again = await scene.next([saga])
    expect(again).toMatchObject({ key: first[0]?.key, attempt: 2 })
    expect(again.key).toMatch(/^[\w-]{32}$/)
    expect(first[1]?.key).not.toBe(again.key)
    await scene.engine.done(again.token, {})
    await scene.engine.done(first[1]?.token ?? '', {})
    await scene.engine.failed((await scene.next([saga])).token, { error: 'no', class: 'permanent' })
    const undo = (await scene.work([saga], { max: 9 })).find(({ item }) => item?.key === 'a')
    expect(undo).toMatchObject({ kind: 'undo', runKey: again.key })
    expect(undo?.key).not.toBe(again.key)
  })
})

describe('the plan of a task', () => {
  it('[J8] names its subject before the first step, and the task is shown from there on', async () => {
    const saga = sagaOf(['one'], { hasSubject: true })
    const task = await scene.begin(saga)
    const plan = await scene.next([saga])
    expect(plan).toMatchObject({ kind: 'plan' })
    expect(plan.step).toBeUndefined()
    await scene.engine.done(plan.token, { subject: { block: 'b', name: 'template' } })
    expect(scene.documents.shown.get(task.id)).toMatchObject({ subject: { block: 'b', name: 'template' } })
    await scene.engine.done((await scene.next([saga])).token, {})
    expect(scene.documents.shown.get(task.id)).toMatchObject({ state: 'done' })
  })
})
