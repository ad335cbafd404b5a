import type { FailureClass, StepShape } from '@joinery/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ADA, sagaOf, TaskScene, W } from './testing/task-scene.ts'

let scene: TaskScene
beforeEach(async () => {
  scene = await TaskScene.open()
})
afterEach(() => scene.close())

const one = sagaOf(['one'])

describe('work', () => {
  it('[J31] goes to each workspace in its turn, and within one to the oldest task', async () => {
    const ids: Record<string, string[]> = { a: [], b: [] }
    for (const workspace of ['a', 'a', 'a', 'b', 'b']) {
      scene.clock.pass(10)
      ids[workspace]?.push((await scene.begin(one, {}, workspace)).id)
    }
    const given = await scene.work([one], { max: 4 })
    expect(given.map(({ task }) => task)).toEqual([ids.a?.[0], ids.b?.[0], ids.a?.[1], ids.b?.[1]])
  })

  it('[J32] is bounded for each workspace, worker and saga, however much a worker asks for', async () => {
    const limits = { perWorkspace: 4, perWorker: 3, perDefinition: 5 }
    const bounded = await TaskScene.open({ limits })
    for (const workspace of ['a', 'b']) for (let n = 0; n < 5; n++) await bounded.begin(one, {}, workspace)
    expect(await bounded.work([one], { max: 9, worker: 'x' })).toHaveLength(3)
    const [first] = await bounded.work([one], { max: 9, worker: 'y' })
    expect(await bounded.work([one], { max: 9, worker: 'z' })).toEqual([])
    await bounded.engine.done(first?.token ?? '', {})
    expect(await bounded.work([one], { max: 9, worker: 'z' })).toHaveLength(1)
    await bounded.close()
  })

  it('[J33] is given to a worker that waits as soon as there is some, and nothing to one whose token does not allow it', async () => {
    const signal = new AbortController().signal
    const ask = { serves: [one], max: 1, waitMs: 20_000 }
    const forbidden = scene.engine.lease({ ...ask, worker: 'w2' }, (_, workspace) => workspace !== W, signal)
    const allowed = scene.engine.lease(
      { ...ask, worker: 'w1' },
      (saga, workspace) => saga === 'saga' && workspace === W,
      signal,
    )
    await expect
      .poll(() => scene.engine.start(W, { saga: 'saga', input: {}, by: ADA, key: 'k' }).catch(() => undefined))
      .toBeDefined()
    expect(await allowed).toMatchObject([{ step: 'one' }])
    scene.clock.pass(20_001)
    expect(await forbidden).toEqual([])
    const stop = new AbortController()
    const stopped = scene.engine.lease({ ...ask, worker: 'w3' }, () => true, stop.signal)
    stop.abort()
    expect(await stopped).toEqual([])
  })

  it('[J34] of one host stops while it fails, and one attempt tries it when its time is over', async () => {
    const hosted: StepShape = { name: 'call', kind: 'step', host: 'api', retry: { attempts: 50, firstMs: 0, maxMs: 0 } }
    const saga = sagaOf([hosted])
    const task = await scene.begin(saga)
    for (let n = 0; n < 5; n++) {
      await scene.engine.failed((await scene.next([saga])).token, { error: 'down', class: 'transient' })
    }
    await scene.begin(saga)
    expect(await scene.work([saga], { max: 9 })).toEqual([])
    expect(await scene.find(task)).toMatchObject({ waiting: { code: 'breaker_open', until: expect.any(Number) } })
    expect(scene.engine.gauges.breakers).toEqual([{ labels: { host: 'api' }, value: 2 }])
    scene.clock.step(-3_600_000)
    scene.clock.pass(30_001)
    const [probe, ...others] = await scene.work([saga], { max: 9 })
    expect(others).toEqual([])
    await scene.engine.done(probe?.token ?? '', {})
    expect(await scene.work([saga], { max: 9 })).toHaveLength(1)
  })

  it('[J34] goes on when a host answers that what many steps wait for is not there yet, or that it refuses', async () => {
    const hosted: StepShape = { name: 'look', kind: 'step', host: 'api', retry: { attempts: 50, firstMs: 0, maxMs: 0 } }
    const saga = sagaOf([hosted])
    const task = await scene.begin(saga)
    const fail = async (failure: FailureClass): Promise<void> =>
      scene.engine.failed((await scene.next([saga])).token, { error: 'not yet', class: failure })
    for (let n = 0; n < 20; n++) await fail('pending')
    expect(scene.engine.gauges.breakers).toEqual([{ labels: { host: 'api' }, value: 0 }])
    // An answer ends a row of failures.
    for (let n = 0; n < 4; n++) await fail('transient')
    await fail('pending')
    await fail('transient')
    expect(scene.engine.gauges.breakers).toEqual([{ labels: { host: 'api' }, value: 0 }])
    expect(await scene.find(task)).not.toMatchObject({ waiting: { code: 'breaker_open' } })
  })

  it('[J34] of one host is bounded over all sagas and workers', async () => {
    const bounded = await TaskScene.open({ limits: { perHost: 2 }, hostOf: () => 'api' })
    for (let n = 0; n < 5; n++) await bounded.begin(one)
    expect(await bounded.work([one], { max: 9 })).toHaveLength(2)
    expect(await bounded.work([one], { max: 9, worker: 'w2' })).toEqual([])
    await bounded.close()
  })
})

describe('a task without a worker', () => {
  it('[J35] says that nobody serves its saga or its version, and after a while that it is stalled', async () => {
    const task = await scene.begin(one)
    scene.clock.pass(31_000)
    expect(await scene.find(task)).toMatchObject({ state: 'queued', waiting: { code: 'no_worker', reason: /saga/ } })
    scene.clock.pass(30_000)
    expect(await scene.find(task)).toMatchObject({ state: 'stalled', waiting: { code: 'no_worker' } })
    const later = sagaOf(['one', 'two'], { version: 2 })
    expect(await scene.work([later])).toEqual([])
    const reason = expect.stringMatching(
      /version 1 of saga: w1 serves version 2, .*start a worker of version 1, or one that accepts it/,
    )
    const versions = { code: 'no_worker_for_version', reason }
    expect(await scene.find(task)).toMatchObject({ waiting: versions })
    expect(scene.engine.gauges.waiting).toMatchObject([
      { labels: { why: 'no_worker_for_version' }, value: 1, oldestSeconds: 61 },
    ])
    expect(await scene.next([one], { worker: 'w2' })).toMatchObject({ task: task.id, version: 1 })
  })

  it('[J35] says that nobody serves its saga as soon as the last worker says that it stops', async () => {
    const task = await scene.begin(one)
    expect(await scene.work([one], { stops: true })).toEqual([])
    expect(await scene.find(task)).toMatchObject({ state: 'queued', waiting: { code: 'no_worker', reason: /saga/ } })
    const later = sagaOf(['one'], { version: 2 })
    expect(await scene.work([later], { worker: 'w2' })).toEqual([])
    expect(await scene.find(task)).toMatchObject({ waiting: { code: 'no_worker_for_version' } })
    expect(await scene.next([one])).toMatchObject({ task: task.id })
  })

  it('[J36] goes on by a later version that accepts its own, if what has begun stands at the same places', async () => {
    const v1 = sagaOf(['one', 'two'])
    const task = await scene.begin(v1)
    await scene.engine.done((await scene.next([v1])).token, { result: 1 })
    const renamed = sagaOf(['first', 'two'], { version: 2, accepts: [1] })
    expect(await scene.work([renamed])).toEqual([])
    expect(await scene.find(task)).toMatchObject({ waiting: { code: 'no_worker_for_version' } })
    const v3 = sagaOf(['one', 'between', 'two'], { version: 3, accepts: [1, 2] })
    const work = await scene.next([v3])
    expect(work).toMatchObject({ step: 'between', version: 3, results: { one: 1 } })
    await scene.restart()
    await scene.engine.done(work.token, {})
    expect(await scene.find(task)).toMatchObject({
      version: 3,
      steps: [{ state: 'done' }, { state: 'done' }, { state: 'pending' }],
    })
    const removed = sagaOf(['one', 'two'], { version: 4, accepts: [1, 2, 3] })
    expect(await scene.work([removed])).toEqual([])
    expect(await scene.find(task)).toMatchObject({ waiting: { code: 'no_worker_for_version' } })
    // A step that has not begun may go.
    const shorter = sagaOf(['one', 'between'], { version: 5, accepts: [3] })
    expect(await scene.work([shorter])).toEqual([])
    expect(await scene.find(task)).toMatchObject({ state: 'done', version: 5 })
  })

  it('[J37] is not given to a worker that says its version with other steps, and two such workers are told', async () => {
    const task = await scene.begin(one)
    const other = sagaOf(['one', 'two'])
    await expect(scene.work([other], { worker: 'w2' })).rejects.toMatchObject({ code: 'invalid' })
    scene.clock.pass(31_000)
    expect(await scene.work([other], { worker: 'w2' })).toEqual([])
    expect(await scene.find(task)).toMatchObject({
      waiting: { code: 'no_worker_for_version', reason: expect.stringMatching(/digest.*new version/) },
    })
  })
})

describe('a saga', () => {
  it('[J38] that no worker has ever served is refused, and names those that are known', async () => {
    await scene.begin(one)
    const start = (saga: string, version?: number) =>
      scene.engine.start(W, { saga, input: {}, by: ADA, ...(version !== undefined && { version }) })
    await expect(start('nobody')).rejects.toMatchObject({ code: 'unknown_saga', details: { sagas: ['saga'] } })
    await expect(start('saga', 9)).rejects.toMatchObject({ code: 'unknown_saga', details: { versions: [1] } })
    await scene.restart()
    expect(await start('saga')).toMatchObject({ task: { state: 'queued', waiting: { code: 'no_worker' } } })
  })

  it('[J112] that nobody has announced is waited for while a server that shares its work is new', async () => {
    const young = await TaskScene.open({ meetsWorkersMs: 5_000 })
    const start = (saga: string) => young.engine.start(W, { saga, input: {}, by: ADA })
    const met = start('saga')
    await young.work([one])
    expect(await met).toMatchObject({ task: { state: 'queued' } })
    const strange = start('nobody')
    const refused = expect(strange).rejects.toMatchObject({ code: 'unknown_saga' })
    await young.work([one])
    young.clock.pass(5_000)
    await refused
    await expect(start('nobody')).rejects.toMatchObject({ code: 'unknown_saga' })
    await young.close()
  })

  it('[J38] is started in the version that was announced last, and in an older one that is served alone again', async () => {
    const two = sagaOf(['one'], { version: 2 })
    await scene.begin(one)
    expect(await scene.begin(two)).toMatchObject({ version: 2 })
    scene.clock.pass(31_000)
    expect(await scene.begin(one)).toMatchObject({ version: 1 })
  })
})
