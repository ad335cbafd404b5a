import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ADA, sagaOf, TaskScene, W } from './testing/task-scene.ts'

let scene: TaskScene
beforeEach(async () => {
  scene = await TaskScene.open()
})
afterEach(() => scene.close())

const two = sagaOf(['one', 'two'])

describe('a task', () => {
  it('[J1] runs its steps one after the other, each with the results so far, and ends done', async () => {
    const task = await scene.begin(two, { input: { a: 1 } })
    expect(task).toMatchObject({ state: 'queued', saga: 'saga', version: 1, by: 'ada' })
    const one = await scene.next([two])
    expect(one).toMatchObject({ kind: 'run', step: 'one', attempt: 1, input: { a: 1 }, results: {}, task: task.id })
    expect(await scene.find(task)).toMatchObject({ state: 'running' })
    await scene.engine.done(one.token, { result: { made: 7 } })
    const second = await scene.next([two])
    expect(second).toMatchObject({ step: 'two', results: { one: { made: 7 } } })
    await scene.engine.done(second.token, {})
    expect(await scene.find(task)).toMatchObject({ state: 'done', results: { one: { made: 7 }, two: null } })
    expect(await scene.work([two])).toEqual([])
  })

  it('[J2] is the same for the same key, also after a restart, and another body is refused', async () => {
    const task = await scene.begin(two, { key: 'k', input: 1 })
    const again = { saga: 'saga', input: 1, by: ADA, key: 'k' }
    expect(await scene.engine.start(W, again)).toMatchObject({ isRepeated: true, task: { id: task.id } })
    await scene.restart()
    expect(await scene.engine.start(W, again)).toMatchObject({ isRepeated: true, task: { id: task.id } })
    await expect(scene.engine.start(W, { ...again, input: 2 })).rejects.toMatchObject({ code: 'key_reused' })
    const both = { ...again, key: 'k2' }
    const started = await Promise.all([scene.engine.start(W, both), scene.engine.start(W, both)])
    expect(new Set(started.map((one) => one.task.id)).size).toBe(1)
  })

  it('[J3] goes on after a restart with what is done, and its worker goes on with the lease that it has', async () => {
    const task = await scene.begin(two)
    await scene.engine.done((await scene.next([two])).token, { result: 1 })
    const second = await scene.next([two])
    await scene.restart()
    expect(await scene.work([two])).toEqual([])
    expect(await scene.engine.beat(second.token, { progress: 1 })).toBe('go')
    await scene.engine.done(second.token, { result: 2 })
    expect(await scene.find(task)).toMatchObject({ state: 'done', results: { one: 1, two: 2 } })
  })
})
