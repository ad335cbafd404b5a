import { HandClock } from '@joinery/log/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sagaOf, TaskScene, W } from './testing/task-scene.ts'
import { Timers } from './timers.ts'

/** Tasks of a test: more than may go on within a second. */
const TASKS = 120

let scene: TaskScene
beforeEach(async () => {
  scene = await TaskScene.open({
    limits: { perWorkspace: 1_000, perWorker: 1_000, perDefinition: 1_000, perHost: 1_000, breakerFailures: 1_000 },
  })
})
afterEach(() => scene.close())

describe('after a start', () => {
  it('[J83] sleeps that are over count in the order of their times, fifty a second', async () => {
    const sleepy = (n: number) => sagaOf([{ name: 'pause', kind: 'sleep', sleepMs: 60_000 - n }], { version: n })
    const ids: string[] = []
    for (let n = 1; n <= TASKS; n++) ids.push((await scene.begin(sleepy(n))).id)
    await scene.stop()
    scene.clock.step(86_400_000)
    await scene.start()
    const ended = async (): Promise<string[]> =>
      (await scene.engine.list(W, { limit: 1_000, states: ['done'] })).tasks.map(({ id }) => id)
    scene.clock.pass(990)
    // The sleeps that began last are the shortest.
    expect((await ended()).sort()).toEqual(ids.slice(-50).sort())
    scene.clock.pass(1_000)
    expect((await ended()).sort()).toEqual(ids.slice(-100).sort())
    scene.clock.pass(10_000)
    expect(await ended()).toHaveLength(TASKS)
  })

  it('[J83] attempts whose pause is over are made fifty a second for each host, and a deadline that is over is kept', async () => {
    const retry = { attempts: 5, firstMs: 30_000, maxMs: 30_000 }
    const onHost = (host: string) =>
      sagaOf([{ name: 'call', kind: 'step', host, retry }], { name: `to-${host}`, deadlineMs: 3_600_000 })
    const [one, other] = [onHost('one'), onHost('other')]
    for (let n = 0; n < TASKS / 2; n++) {
      for (const saga of [one, other]) {
        await scene.begin(saga)
        const { token } = await scene.next([saga])
        await scene.engine.failed(token, {
          error: 'away',
          class: 'permanent' === saga.name ? 'permanent' : 'throttled',
        })
      }
    }
    await scene.stop()
    scene.clock.step(600_000)
    await scene.start()
    scene.clock.pass(990)
    expect(await scene.work([one], { max: 64 })).toHaveLength(50)
    expect(await scene.work([other], { max: 64 })).toHaveLength(50)
    scene.clock.pass(1_000)
    expect(await scene.work([one, other], { max: 64 })).toHaveLength(TASKS - 100)
    await scene.stop()
    scene.clock.step(86_400_000)
    await scene.start()
    scene.clock.pass(60_000)
    const { tasks } = await scene.engine.list(W, { limit: 1_000 })
    expect(new Set(tasks.map(({ state, error }) => `${state} ${error?.message}`)).size).toBe(1)
    expect(tasks[0]?.error?.message).toContain('deadline')
  })
})

it('[J83] timers that end at one moment leave other work its turns', () => {
  const clock = new HandClock()
  const timers = new Timers(clock, (error) => {
    throw error
  })
  const fired: string[] = []
  for (let n = 0; n < 250; n++) timers.set(`timer ${n}`, 10, () => fired.push(`timer ${n}`))
  clock.after(10, () => fired.push('other work'))
  clock.pass(50)
  expect(fired).toHaveLength(251)
  expect(fired.indexOf('other work')).toBeLessThan(250)
  expect(new Set(fired).size).toBe(251)
})
