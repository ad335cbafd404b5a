import { openMemoryStore } from '@joinery/log'
import { FencingStore, HandClock } from '@joinery/log/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DocumentError } from './documents.ts'
import { ADA, sagaOf, TaskScene, W } from './testing/task-scene.ts'

let scene: TaskScene
let store: FencingStore
beforeEach(async () => {
  const clock = new HandClock()
  store = new FencingStore(openMemoryStore({ clock }))
  scene = await TaskScene.open({ store, clock })
})
afterEach(() => scene.close())

const saga = sagaOf(['one', 'two'])
const subject = { block: 'b', name: 'template' }
const unavailable = new DocumentError('unavailable', 'the document is damaged')

describe('the end of an attempt', () => {
  it('[J45] is one write with its operations, made once however often it is told', async () => {
    const task = await scene.begin(saga)
    const { token } = await scene.next([saga])
    const done = { result: 1, operations: [{ put: 'x' }] }
    await Promise.all([scene.engine.done(token, done), scene.engine.done(token, done)])
    await scene.engine.done(token, done)
    expect(await scene.documents.written(W)).toMatchObject([{ operations: [{ put: 'x' }] }])
    expect(await scene.find(task)).toMatchObject({ steps: [{ state: 'done' }, {}] })
  })

  it('[J45] writes nothing when its lease has been lost', async () => {
    await scene.begin(saga)
    const { token } = await scene.next([saga])
    scene.clock.pass(30_001)
    await scene.next([saga], { worker: 'w2' })
    await expect(scene.engine.done(token, { operations: [1] })).rejects.toMatchObject({ code: 'lease_lost' })
    expect(await scene.documents.written(W)).toEqual([])
  })

  it('[J46] whose operations are refused fails its step for good, and nothing is written', async () => {
    const task = await scene.begin(saga)
    const { token } = await scene.next([saga])
    await expect(scene.engine.done(token, { operations: ['refuse'] })).rejects.toMatchObject({ code: 'invalid' })
    expect(await scene.documents.written(W)).toEqual([])
    expect(await scene.find(task)).toMatchObject({ state: 'failed', error: { class: 'permanent', step: 'one' } })
  })

  it('[J47] names the blocks that were kept, and the task ends partly compensated', async () => {
    const task = await scene.begin(saga)
    await scene.engine.done((await scene.next([saga])).token, { result: { blocks: ['a', 'b'] } })
    await scene.engine.failed((await scene.next([saga])).token, { error: 'x', class: 'permanent' })
    scene.documents.changed.set('b', { version: 7, by: 'ada' })
    await scene.engine.done((await scene.next([saga])).token, { removeIfUntouched: ['a', 'b'] })
    const ended = await scene.find(task)
    expect(ended).toMatchObject({ state: 'compensated_partly', kept: [{ block: 'b', version: 7, by: 'ada' }] })
    expect(ended.steps[0]).toMatchObject({ state: 'kept' })
    expect(scene.engine.counts).toMatchObject({
      undoKept: 1,
      compensations: [{ labels: { outcome: 'kept' }, value: 1 }],
    })
  })
})

describe('a document that can’t take part', () => {
  it('[J48] does not hold up a task that only shows there, which is shown when it can be again', async () => {
    const task = await scene.begin(saga, { subject })
    scene.documents.failure = unavailable
    await scene.engine.done((await scene.next([saga])).token, {})
    await scene.engine.done((await scene.next([saga])).token, {})
    expect(await scene.find(task)).toMatchObject({ state: 'done' })
    scene.documents.failure = undefined
    await scene.engine.project(W)
    await expect.poll(() => scene.documents.shown.get(task.id)?.state).toBe('done')
    await scene.restart()
    await scene.engine.project(W)
    expect(scene.documents.shown.size).toBe(0)
  })

  it('[J48] has a step that must write there try again', async () => {
    const task = await scene.begin(saga)
    scene.documents.failure = unavailable
    await scene.engine.done((await scene.next([saga])).token, { operations: [1] })
    expect(await scene.find(task)).toMatchObject({ state: 'waiting', waiting: { code: 'retry', reason: /damaged/ } })
    scene.documents.failure = undefined
    scene.clock.pass(1_001)
    await scene.engine.done((await scene.next([saga])).token, { operations: [1] })
    expect(await scene.documents.written(W)).toHaveLength(1)
  })

  it('[J48] is shown a result that came without it, after a restart, too', async () => {
    const task = await scene.begin(saga, { subject })
    scene.documents.failure = unavailable
    await scene.engine.cancel(W, task.id, ADA)
    await scene.restart()
    await scene.engine.project(W)
    await expect.poll(() => scene.documents.shown.get(task.id)?.state).toBe('canceled')
  })
})

describe('progress', () => {
  it('[J49] is shown every few seconds, and a new state at once', async () => {
    const task = await scene.begin(saga, { subject })
    const { token } = await scene.next([saga])
    await expect.poll(() => scene.documents.shown.get(task.id)?.state).toBe('running')
    for (let n = 1; n < 5; n++) await scene.engine.beat(token, { progress: n })
    expect(scene.documents.shown.get(task.id)?.steps[0]?.progress).toBeUndefined()
    scene.clock.pass(5_001)
    await expect.poll(() => scene.documents.shown.get(task.id)?.steps[0]?.progress).toEqual({ progress: 4 })
  })
})

describe('a journal that another process has taken over', () => {
  it('[J50] is written no more: its leases do not stand, and it gives no work', async () => {
    const task = await scene.begin(saga)
    const { token } = await scene.next([saga])
    store.fence('!work/acme/docs')
    await expect(scene.engine.done(token, {})).rejects.toThrow()
    expect(() => scene.engine.assertStands(W, token)).toThrow(/lease/)
    scene.clock.pass(60_000)
    expect(await scene.work([saga])).toEqual([])
    await expect(scene.engine.cancel(W, task.id, ADA)).rejects.toThrow()
  })
})
