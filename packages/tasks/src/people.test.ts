import type { LogEntry, Receipt, WorkspaceLog } from '@joinery/log'
import { openMemoryStore } from '@joinery/log'
import { DelegatingLog, DelegatingStore } from '@joinery/log/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ADA, sagaOf, TaskScene, W } from './testing/task-scene.ts'

let scene: TaskScene
beforeEach(async () => {
  scene = await TaskScene.open()
})
afterEach(() => scene.close())

const two = sagaOf(['one', 'two'])

describe('a cancel', () => {
  it('[J23] tells the running attempt at its next beat, gives it its time, and then takes back', async () => {
    const task = await scene.begin(two)
    const work = await scene.next([two])
    expect(await scene.engine.cancel(W, task.id, ADA)).toMatchObject({ state: 'compensating', isCanceling: true })
    expect(await scene.engine.beat(work.token, {})).toBe('cancel')
    expect(await scene.work([two])).toEqual([])
    scene.clock.pass(20_000)
    expect(await scene.engine.beat(work.token, {})).toBe('cancel')
    scene.clock.pass(10_001)
    await expect(scene.engine.beat(work.token, {})).rejects.toMatchObject({ code: 'lease_lost' })
    const undo = await scene.next([two])
    expect(undo).toMatchObject({ kind: 'undo', step: 'one' })
    await expect(scene.engine.done(work.token, {})).rejects.toMatchObject({ code: 'lease_lost' })
    await scene.engine.done(undo.token, {})
    expect(await scene.find(task)).toMatchObject({ state: 'canceled' })
  })

  it('[J23] takes back what an attempt that ends in its time has done', async () => {
    const task = await scene.begin(two)
    const { token } = await scene.next([two])
    await scene.engine.cancel(W, task.id, ADA)
    await scene.engine.done(token, { result: 'made' })
    expect(await scene.next([two])).toMatchObject({ kind: 'undo', result: 'made' })
  })

  it('[J23] of a task that nobody has begun ends it at once, and that of an ended task is refused', async () => {
    const task = await scene.begin(two)
    expect(await scene.engine.cancel(W, task.id, ADA)).toMatchObject({ state: 'canceled', error: { message: /ada/ } })
    await expect(scene.engine.cancel(W, task.id, ADA)).rejects.toMatchObject({ code: 'not_cancelable' })
  })
})

describe('an operator', () => {
  it('[J24] terminates a task: nothing is taken back, and the task says so', async () => {
    const task = await scene.begin(two)
    await scene.engine.done((await scene.next([two])).token, {})
    const { token } = await scene.next([two])
    const ended = await scene.engine.terminate(W, task.id, ADA)
    expect(ended).toMatchObject({ state: 'canceled', error: { message: /nothing was taken back/ } })
    await expect(scene.engine.beat(token, {})).rejects.toMatchObject({ code: 'lease_lost' })
    expect(await scene.work([two])).toEqual([])
  })

  it('[J25] retries a failed task from the step that failed, with the results so far', async () => {
    const saga = sagaOf([{ name: 'one', kind: 'step' }, 'two'])
    const task = await scene.begin(saga)
    await scene.engine.done((await scene.next([saga])).token, { result: 1 })
    await scene.engine.failed((await scene.next([saga])).token, { error: 'x', class: 'permanent' })
    expect(await scene.find(task)).toMatchObject({ state: 'failed' })
    await scene.engine.retry(W, task.id, ADA)
    await scene.restart()
    const again = await scene.next([saga])
    expect(again).toMatchObject({ step: 'two', attempt: 2, results: { one: 1 } })
    await scene.engine.done(again.token, {})
    expect(await scene.find(task)).toMatchObject({ state: 'done' })
    await expect(scene.engine.retry(W, task.id, ADA)).rejects.toMatchObject({ code: 'not_retryable' })
  })

  it('[J25] lets a pause be over, and is refused where nothing has failed or all is taken back', async () => {
    const task = await scene.begin(two)
    await expect(scene.engine.retry(W, task.id, ADA)).rejects.toMatchObject({ code: 'not_retryable' })
    await scene.engine.failed((await scene.next([two])).token, { error: 'x', class: 'transient' })
    expect(await scene.work([two])).toEqual([])
    await scene.engine.retry(W, task.id, ADA)
    await scene.engine.done((await scene.next([two])).token, {})
    await scene.engine.failed((await scene.next([two])).token, { error: 'x', class: 'permanent' })
    await scene.engine.done((await scene.next([two])).token, {})
    expect(await scene.find(task)).toMatchObject({ state: 'compensated' })
    await expect(scene.engine.retry(W, task.id, ADA)).rejects.toMatchObject({ code: 'not_retryable' })
    await expect(scene.engine.skip(W, task.id, 'two', 1, ADA)).rejects.toMatchObject({ code: 'not_retryable' })
    await expect(scene.engine.skip(W, task.id, 'three', 1, ADA)).rejects.toMatchObject({ code: 'invalid' })
  })
})

describe('a copy of the data', () => {
  it('[J26] pauses the open tasks until somebody resumes them, and no lease of the other copy stands', async () => {
    const task = await scene.begin(two)
    const { token, key } = await scene.next([two])
    await scene.stop()
    const copy = new CopiedStore(scene.store)
    const restored = await TaskScene.open({ store: copy })
    expect(await restored.find(task)).toMatchObject({
      state: 'waiting',
      waiting: { code: 'paused', reason: /resumes/ },
    })
    expect(await restored.work([two])).toEqual([])
    await expect(restored.engine.done(token, {})).rejects.toMatchObject({ code: 'lease_lost' })
    expect(await restored.engine.resume(W, ADA)).toBe(1)
    expect(await restored.engine.resume(W, ADA)).toBe(0)
    expect(await restored.next([two])).toMatchObject({ attempt: 2, key })
    await restored.stop()
    await scene.start()
  })
})

class CopiedStore extends DelegatingStore {
  override get copy(): string {
    return 'another'
  }
}

describe('a deleted workspace', () => {
  it('[J27] gives no work until the deletion is taken back, and its tasks say why they wait', async () => {
    const task = await scene.begin(two)
    scene.engine.suspend(W)
    expect(await scene.work([two])).toEqual([])
    expect(await scene.find(task)).toMatchObject({ waiting: { code: 'paused', reason: /deleted/ } })
    scene.engine.unsuspend(W)
    expect(await scene.next([two])).toMatchObject({ step: 'one' })
  })
})

/** A store whose appends are durable once its gate opens. */
class HeldStore extends DelegatingStore {
  gate: Promise<void> | undefined

  override async open(workspace: string): Promise<WorkspaceLog> {
    const gateOf = () => this.gate
    return new (class extends DelegatingLog {
      override append(entry: LogEntry, options?: { readonly sync?: boolean }): Receipt {
        const receipt = super.append(entry, options)
        return { ...receipt, durable: Promise.all([receipt.durable, gateOf()]).then(() => undefined) }
      }
    })(await super.open(workspace))
  }
}

describe('the events of a task', () => {
  it('[J28] come once each and in order, from any point on, and end with the task', async () => {
    const task = await scene.begin(two)
    const types = async (after: number) => {
      const found: [number, string, string][] = []
      for await (const { lsn, type, task: view } of scene.engine.events(W, task.id, {
        after,
        signal: new AbortController().signal,
      }))
        found.push([lsn, type, view.state])
      return found
    }
    const live = types(0)
    await scene.engine.done((await scene.next([two])).token, {})
    await scene.engine.done((await scene.next([two])).token, {})
    const all = await live
    expect(all.map(([, type]) => type)).toEqual([
      ...['task.started', 'step.leased', 'step.done', 'step.leased', 'step.done', 'task.ended'],
    ])
    expect(all.at(-1)?.[2]).toBe('done')
    await scene.restart()
    expect(await types(0)).toEqual(all)
    expect(await types(all[2]?.[0] ?? 0)).toEqual(all.slice(3))
    expect(await types(all.at(-1)?.[0] ?? 0)).toEqual([])
  })

  it('[J28] are told once they are durable, since a crash would take them back before, and a reader that leaves waits for nothing', async () => {
    const store = new HeldStore(openMemoryStore())
    const held = await TaskScene.open({ store })
    try {
      const task = await held.begin(two)
      const stop = new AbortController()
      const read = (after: number) => {
        const types: string[] = []
        const end = (async () => {
          for await (const { type } of held.engine.events(W, task.id, { after, signal: stop.signal })) types.push(type)
        })()
        return { types, end }
      }
      const early = read(task.lsn)
      const { promise, resolve } = Promise.withResolvers<void>()
      store.gate = promise
      const ended = held.engine.terminate(W, task.id, ADA)
      await expect.poll(() => held.engine.extent.open).toBe(0)
      const shown: string[] = []
      const looks = [
        held.find(task).then(({ state }) => shown.push(state)),
        held.engine.list(W, { limit: 1 }).then(({ tasks: [first] }) => shown.push(first?.state ?? 'none')),
      ]
      const late = read(0)
      const leaving = new AbortController()
      const left = Array.fromAsync(held.engine.events(W, task.id, { after: 0, signal: leaving.signal }))
      leaving.abort()
      expect(await left).toEqual([])
      expect([early.types, late.types, shown]).toEqual([[], [], []])
      resolve()
      await Promise.all([ended, early.end, late.end, ...looks])
      expect(shown).toEqual(['canceled', 'canceled'])
      expect(early.types).toEqual(['task.ended'])
      expect(late.types).toEqual(['task.started', 'task.ended'])
    } finally {
      await held.close()
    }
  })

  it('[J94] a wait for changes tells how far it has seen, and goes on from there', async () => {
    const task = await scene.begin(two)
    const { signal } = new AbortController()
    // One that lies behind is answered at once, with the LSN to go on from.
    const seen = await scene.engine.untilChanged(W, { after: 0, signal })
    expect(seen).toBe((await scene.engine.list(W, { limit: 1 })).lsn)
    let isOver = false
    const waiting = scene.engine.untilChanged(W, { after: seen, signal }).finally(() => {
      isOver = true
    })
    await scene.find(task)
    expect(isOver).toBe(false)
    await scene.next([two])
    expect(await waiting).toBeGreaterThan(seen)
    expect(await scene.engine.untilChanged(W, { after: 1_000, signal: AbortSignal.abort() })).toBeLessThan(1_000)
  })

  it('[J28] end when the reader goes, and when the server closes', async () => {
    const task = await scene.begin(two)
    const stop = new AbortController()
    const reading = Array.fromAsync(scene.engine.events(W, task.id, { after: 0, signal: stop.signal }))
    const other = Array.fromAsync(scene.engine.events(W, task.id, { after: 0, signal: new AbortController().signal }))
    stop.abort()
    expect((await reading).length).toBeLessThan(2)
    await scene.restart()
    expect((await other).length).toBeLessThan(2)
    await expect(
      Array.fromAsync(scene.engine.events(W, 'tsk_x', { after: 0, signal: stop.signal })),
    ).rejects.toMatchObject({
      code: 'unknown_task',
    })
  })
})

describe('the list of tasks', () => {
  it('[J29] has the newest first, by pages, states and sagas', async () => {
    const ids: string[] = []
    for (let n = 0; n < 5; n++) {
      scene.clock.pass(1_000)
      ids.unshift((await scene.begin(two)).id)
    }
    const first = await scene.engine.list(W, { limit: 2 })
    expect(first).toMatchObject({ tasks: [{ id: ids[0] }, { id: ids[1] }], next: ids[1] })
    const rest = await scene.engine.list(W, { limit: 9, after: ids[1] ?? '' })
    expect(rest.tasks.map(({ id }) => id)).toEqual(ids.slice(2))
    expect(rest.next).toBeUndefined()
    await scene.engine.cancel(W, ids[3] ?? '', ADA)
    const ended = await scene.engine.list(W, { limit: 9, states: ['canceled'], saga: 'saga' })
    expect(ended.tasks.map(({ id }) => id)).toEqual([ids[3]])
    expect((await scene.engine.list(W, { limit: 9, saga: 'other' })).tasks).toEqual([])
  })

  it('[J29] has the open ones of a saga with their keys, also after a restart, and not those that have ended', async () => {
    const keyed = await scene.begin(two, { key: 'k', input: { a: 1 } })
    const plain = await scene.begin(two)
    const ended = await scene.begin(two, { key: 'ended' })
    await scene.engine.terminate(W, ended.id, ADA)
    const open = [
      { id: keyed.id, key: 'k', input: { a: 1 }, state: 'queued' },
      { id: plain.id, key: undefined, input: {}, state: 'queued' },
    ]
    expect(await scene.engine.openOf(W, 'saga')).toEqual(open)
    expect(await scene.engine.openOf(W, 'other')).toEqual([])
    await scene.restart()
    expect(await scene.engine.openOf(W, 'saga')).toMatchObject(open.map(({ id, key }) => ({ id, key })))
    await scene.engine.terminate(W, plain.id, ADA)
    expect((await scene.engine.openOf(W, 'saga')).map(({ id }) => id)).toEqual([keyed.id])
  })

  it('[J30] has an ended task for its days, and then forgets it, and its key starts no second one', async () => {
    const kept = await TaskScene.open({ limits: { keepTasksDays: 2 } })
    const task = await kept.begin(two, { key: 'k' })
    await kept.engine.cancel(W, task.id, ADA)
    kept.clock.pass(86_400_000)
    expect((await kept.engine.list(W, { limit: 9 })).tasks).toHaveLength(1)
    kept.clock.pass(2 * 86_400_000)
    await expect.poll(async () => (await kept.engine.list(W, { limit: 9 })).tasks).toEqual([])
    const again = kept.engine.start(W, { saga: 'saga', input: {}, by: ADA, key: 'k' })
    await expect(again).rejects.toMatchObject({ code: 'key_reused' })
    await kept.close()
  })
})

it('[J23] a step of a canceled task waits for nothing any more', async () => {
  const saga = sagaOf(['one', { name: 'ask', kind: 'signal' }, 'three'])
  const task = await scene.begin(saga)
  await scene.engine.done((await scene.next([saga])).token, {})
  expect((await scene.find(task)).steps[1]).toMatchObject({ name: 'ask', state: 'waiting' })
  await scene.engine.cancel(W, task.id, ADA)
  await scene.engine.done((await scene.next([saga])).token, {})
  const ended = await scene.find(task)
  expect(ended).toMatchObject({ state: 'canceled' })
  expect(ended.steps.map(({ state }) => state)).toEqual(['compensated', 'pending', 'pending'])
})
