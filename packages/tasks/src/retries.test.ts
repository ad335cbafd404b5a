import type { FailureClass, StepShape } from '@joinery/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NO_ATTEMPTS } from './attempts.ts'
import { judge } from './retry-policy.ts'
import { TASK_LIMITS_DEFAULT } from './task-limits.ts'
import { sagaOf, TaskScene } from './testing/task-scene.ts'

let scene: TaskScene
beforeEach(async () => {
  scene = await TaskScene.open()
})
afterEach(() => scene.close())

const step = (more: Partial<StepShape> = {}): StepShape => ({ name: 'one', kind: 'step', hasUndo: true, ...more })
const retry = { attempts: 3, firstMs: 1_000, maxMs: 60_000 }

async function fail(saga: ReturnType<typeof sagaOf>, kind: FailureClass, retryAfterMs?: number): Promise<void> {
  const { token } = await scene.next([saga])
  await scene.engine.failed(token, { error: 'down', class: kind, ...(retryAfterMs !== undefined && { retryAfterMs }) })
}

describe('a failed attempt', () => {
  it('[J9] is made again after a pause that doubles, as often as the step says, and then fails the task', async () => {
    const saga = sagaOf([step({ retry })])
    const task = await scene.begin(saga)
    for (const pauseMs of [1_000, 2_000]) {
      await fail(saga, 'transient')
      expect(await scene.find(task)).toMatchObject({ state: 'waiting', waiting: { code: 'retry', reason: /down/ } })
      scene.clock.pass(pauseMs - 1)
      expect(await scene.work([saga])).toEqual([])
      scene.clock.pass(2)
    }
    await fail(saga, 'transient')
    expect(await scene.find(task)).toMatchObject({ state: 'failed', error: { message: 'down', step: 'one' } })
  })

  it('[J9] waits as long as the outside asks, and a throttled one counts half', async () => {
    const saga = sagaOf([step({ retry })])
    const task = await scene.begin(saga)
    for (let n = 0; n < 5; n++) {
      await fail(saga, 'throttled', 300_000)
      scene.clock.pass(299_000)
      expect(await scene.work([saga])).toEqual([])
      scene.clock.pass(1_001)
    }
    await fail(saga, 'throttled')
    expect(await scene.find(task)).toMatchObject({ state: 'failed' })
  })

  it('[J9] that is pending is made again, up to the bound of attempts', async () => {
    const saga = sagaOf([step({ retry: { attempts: 3, firstMs: 0, maxMs: 0 } })])
    const task = await scene.begin(saga)
    await fail(saga, 'pending')
    await fail(saga, 'pending')
    expect(await scene.find(task)).not.toMatchObject({ state: 'failed' })
    await fail(saga, 'pending')
    expect(await scene.find(task)).toMatchObject({ state: 'failed' })
  })

  it('[J9] of the class permanent is not made again', async () => {
    const saga = sagaOf([step()])
    const task = await scene.begin(saga)
    await fail(saga, 'permanent')
    expect(await scene.find(task)).toMatchObject({ state: 'failed', error: { class: 'permanent' } })
  })

  it('[J9] pauses with full jitter, within the bounds, and never for ever', () => {
    const base = { kind: 'run', class: 'transient', isPastPivot: false, sinceFirstMs: 0, hasDeadline: false } as const
    const of = (attempt: number, random: number) =>
      judge(
        { ...base, isTurned: false, shape: undefined, attempts: { ...NO_ATTEMPTS, attempt, spent: attempt - 1 } },
        TASK_LIMITS_DEFAULT,
        () => random,
      )
    expect([1, 2, 3, 7].map((attempt) => of(attempt, 1).delayMs)).toEqual([1_000, 2_000, 4_000, 64_000])
    expect(of(3, 0.25).delayMs).toBe(1_000)
    expect(of(8, 1).verdict).toBe('failed')
  })
})

describe('time', () => {
  it('[J10] ends an attempt that takes longer than it may: it may have happened, and is made again', async () => {
    const saga = sagaOf([step({ timeoutMs: 5_000, retry: { ...retry, firstMs: 0 } })])
    const task = await scene.begin(saga)
    const first = await scene.next([saga])
    expect(first.timeoutMs).toBe(5_000)
    for (let n = 0; n < 5; n++) {
      expect(await scene.engine.beat(first.token, {})).toBe('go')
      scene.clock.pass(1_000)
    }
    await expect(scene.engine.beat(first.token, {})).rejects.toMatchObject({ code: 'lease_lost' })
    expect(await scene.next([saga])).toMatchObject({ attempt: 2 })
    expect((await scene.find(task)).steps[0]).toMatchObject({ attempt: 2, state: 'running' })
  })

  it('[J10] ends a step after all its attempts', async () => {
    const saga = sagaOf([step({ giveUpAfterMs: 10_000, retry: { attempts: 50, firstMs: 4_000, maxMs: 4_000 } })])
    const task = await scene.begin(saga)
    for (let n = 0; n < 3; n++) {
      await fail(saga, 'transient')
      scene.clock.pass(4_001)
    }
    expect(await scene.find(task)).toMatchObject({ state: 'failed' })
  })

  it('[J10] ends a step that no worker takes in time', async () => {
    const saga = sagaOf([step({ scheduleMs: 20_000 })])
    const task = await scene.begin(saga)
    scene.clock.pass(19_999)
    expect(await scene.find(task)).toMatchObject({ state: 'queued', waiting: { code: 'no_worker' } })
    scene.clock.pass(2)
    expect(await scene.find(task)).toMatchObject({ state: 'failed', error: { message: /no worker/ } })
  })

  it('[J10] ends a task at its deadline: it is taken back, and after its pivot it needs attention', async () => {
    const saga = sagaOf(['one', 'two'], { deadlineMs: 60_000 })
    const task = await scene.begin(saga)
    expect(await scene.next([saga])).toMatchObject({ deadlineMs: 60_000 })
    scene.clock.pass(31_000)
    const again = await scene.next([saga])
    await scene.engine.done(again.token, { result: 1 })
    scene.clock.pass(29_001)
    expect(await scene.find(task)).toMatchObject({ state: 'compensating', error: { message: /deadline/ } })
    await scene.engine.done((await scene.next([saga])).token, {})
    expect(await scene.find(task)).toMatchObject({ state: 'compensated' })
    const past = sagaOf([step({ isPivot: true }), 'two'], { deadlineMs: 60_000, name: 'past' })
    const other = await scene.begin(past)
    await scene.engine.done((await scene.next([past])).token, {})
    scene.clock.pass(60_001)
    expect(await scene.find(other)).toMatchObject({ state: 'needs_attention', waiting: { code: 'operator' } })
  })
})
