import type { LeasedWork, SagaShape, StepShape } from '@joinery/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ADA, sagaOf, TaskScene, W } from './testing/task-scene.ts'

let scene: TaskScene
beforeEach(async () => {
  scene = await TaskScene.open()
})
afterEach(() => scene.close())

const done = (work: LeasedWork, result?: string) =>
  scene.engine.done(work.token, result === undefined ? {} : { result })
const fail = (work: LeasedWork, kind: 'permanent' | 'transient' | 'unsure' = 'permanent') =>
  scene.engine.failed(work.token, { error: 'broken', class: kind })

/** Does all work that there is, and returns what it was. */
async function doAll(saga: SagaShape): Promise<string[]> {
  const made: string[] = []
  for (
    let works = await scene.work([saga], { max: 9 });
    works.length > 0;
    works = await scene.work([saga], { max: 9 })
  ) {
    made.push(works.map(({ kind, step, item, result }) => [kind, step, item?.key, result ?? null].join(' ')).join(', '))
    for (const work of works) await done(work)
  }
  return made
}

describe('a task that fails', () => {
  it('[J17] takes back what is done, the last step first, the items of a step side by side', async () => {
    const each: StepShape = { name: 'files', kind: 'each', hasUndo: true, concurrency: 2 }
    const saga = sagaOf(['one', { name: 'log', kind: 'step' }, each, 'last'])
    const task = await scene.begin(saga)
    await done(await scene.next([saga]), 'made')
    await done(await scene.next([saga]))
    await scene.engine.done((await scene.next([saga])).token, {
      items: ['a', 'b', 'c'].map((key) => ({ key, value: key })),
    })
    for (let n = 0; n < 3; n++) await done(await scene.next([saga]), `file ${n}`)
    await fail(await scene.next([saga]))
    expect(await scene.find(task)).toMatchObject({ state: 'compensating', error: { message: 'broken', step: 'last' } })
    await scene.restart()
    expect(await doAll(saga)).toEqual([
      'undo files a file 0, undo files b file 1',
      'undo files c file 2',
      'undo one  made',
    ])
    const ended = await scene.find(task)
    expect(ended).toMatchObject({ state: 'compensated', error: { step: 'last' } })
    expect(ended.steps.map(({ state }) => state)).toEqual(['compensated', 'done', 'compensated', 'failed'])
  })

  it('[J18] takes back what may have happened, with no result', async () => {
    const saga = sagaOf(['one', 'two'])
    for (const how of ['unsure', 'lost'] as const) {
      const task = await scene.begin(saga)
      await done(await scene.next([saga]), 'made')
      const second = await scene.next([saga])
      if (how === 'unsure') await fail(second, 'unsure')
      else scene.clock.pass(30_001)
      await scene.engine.cancel(W, task.id, ADA)
      const [last, first] = [await scene.next([saga]), undefined]
      expect(last).toMatchObject({ kind: 'undo', step: 'two' })
      expect(last.result).toBeUndefined()
      expect(first).toBeUndefined()
      await done(last)
      expect(await doAll(saga)).toEqual(['undo one  made'])
      expect(await scene.find(task)).toMatchObject({ state: 'canceled' })
    }
  })

  it('[J18] is `failed` and not `compensated` when nothing of it has happened', async () => {
    const saga = sagaOf(['one', 'two'])
    const task = await scene.begin(saga)
    await fail(await scene.next([saga]))
    expect(await scene.find(task)).toMatchObject({ state: 'failed' })
  })

  it('[J19] tries for a day to take a step back, goes on with the others, and then needs attention', async () => {
    const saga = sagaOf(['one', 'two', 'three'])
    const task = await scene.begin(saga)
    await done(await scene.next([saga]))
    await done(await scene.next([saga]))
    await fail(await scene.next([saga]))
    for (let hours = 0; hours < 30; hours++) {
      const [work] = await scene.work([saga])
      if (work?.step === 'two') await fail(work, 'transient')
      else if (work !== undefined) await done(work)
      scene.clock.pass(3_600_000)
    }
    const stuck = await scene.find(task)
    expect(stuck).toMatchObject({ state: 'needs_attention', undone: [{ step: 'two', error: 'broken' }] })
    expect(stuck.steps.map(({ state }) => state)).toEqual(['compensated', 'undo_failed', 'failed'])
    await scene.engine.retry(W, task.id, ADA)
    expect(await doAll(saga)).toEqual(['undo two  '])
    expect(await scene.find(task)).toMatchObject({ state: 'compensated' })
  })

  it('[J19] tries five times in any case, however far the time has gone on meanwhile', async () => {
    const saga = sagaOf(['one', 'two'])
    const task = await scene.begin(saga)
    await done(await scene.next([saga]))
    await fail(await scene.next([saga]))
    // The server is away for two days, or another one goes on whose clock is ahead.
    await scene.next([saga])
    scene.clock.step(2 * 86_400_000)
    await scene.restart()
    scene.clock.pass(60_000)
    const attempts: number[] = []
    for (let [work] = await scene.work([saga]); work !== undefined; [work] = await scene.work([saga])) {
      attempts.push(work.attempt)
      await fail(work, 'transient')
      scene.clock.pass(60_000)
    }
    expect(attempts).toEqual([2, 3, 4, 5])
    expect(await scene.find(task)).toMatchObject({ state: 'needs_attention', undone: [{ step: 'one' }] })
  })

  it('[J19] stops taking back where a step says that the others must not go on', async () => {
    const saga = sagaOf(['one', { name: 'two', kind: 'step', hasUndo: true, onUndoFailure: 'stop' }, 'three'])
    const task = await scene.begin(saga)
    await done(await scene.next([saga]))
    await done(await scene.next([saga]))
    await fail(await scene.next([saga]))
    await fail(await scene.next([saga]))
    expect(await scene.work([saga])).toEqual([])
    expect(await scene.find(task)).toMatchObject({ state: 'needs_attention' })
    await scene.engine.skip(W, task.id, 'two', null, ADA)
    expect(await doAll(saga)).toEqual(['undo one  '])
  })

  it('[J20] past its pivot goes only forward: it tries until its deadline, and a permanent failure needs attention', async () => {
    const saga = sagaOf(['one', { name: 'pivot', kind: 'step', isPivot: true }, 'after'], {
      deadlineMs: 48 * 3_600_000,
    })
    const task = await scene.begin(saga)
    await done(await scene.next([saga]))
    await done(await scene.next([saga]))
    for (let n = 0; n < 20; n++) {
      await fail(await scene.next([saga]), 'transient')
      scene.clock.pass(900_001)
    }
    await expect(scene.engine.cancel(W, task.id, ADA)).rejects.toMatchObject({ code: 'not_cancelable' })
    await fail(await scene.next([saga]))
    expect(await scene.find(task)).toMatchObject({ state: 'needs_attention', undone: [{ step: 'after' }] })
    await scene.engine.retry(W, task.id, ADA)
    expect(await doAll(saga)).toEqual(['run after  '])
    expect(await scene.find(task)).toMatchObject({ state: 'done' })
  })

  it('[J21] goes on after a step whose failure does not matter, or waits for a person, as the step says', async () => {
    const goesOn = sagaOf([{ name: 'notify', kind: 'step', onFailure: 'continue' }, 'two'])
    const task = await scene.begin(goesOn)
    await fail(await scene.next([goesOn]))
    await done(await scene.next([goesOn]))
    expect(await scene.find(task)).toMatchObject({ state: 'done', steps: [{ state: 'failed' }, { state: 'done' }] })
    const waits = sagaOf([{ name: 'ask', kind: 'step', onFailure: 'wait' }, 'two'], { name: 'waits' })
    const other = await scene.begin(waits)
    await fail(await scene.next([waits]))
    expect(await scene.find(other)).toMatchObject({ state: 'waiting', waiting: { code: 'operator', reason: /broken/ } })
    await scene.engine.skip(W, other.id, 'ask', 'by hand', ADA)
    expect(await scene.next([waits])).toMatchObject({ step: 'two', results: { ask: 'by hand' } })
  })

  it('[J22] never makes an attempt again that may have happened, of a step that says so', async () => {
    const saga = sagaOf([{ name: 'pay', kind: 'step', hasUndo: true, effect: 'at_most_once' }])
    const task = await scene.begin(saga)
    const { token } = await scene.next([saga])
    scene.clock.pass(30_001)
    expect(await scene.work([saga])).toEqual([])
    expect(await scene.find(task)).toMatchObject({ state: 'needs_attention', steps: [{ state: 'unsure' }] })
    await scene.restart()
    expect(await scene.work([saga])).toEqual([])
    await scene.engine.done(token, { result: 'paid' })
    expect(await scene.find(task)).toMatchObject({ state: 'done' })
    const other = await scene.begin(saga)
    await fail(await scene.next([saga]), 'unsure')
    expect(await scene.find(other)).toMatchObject({ state: 'needs_attention' })
    await scene.engine.cancel(W, other.id, ADA)
    expect(await doAll(saga)).toEqual(['undo pay  '])
  })
})
