import { expect, it } from 'vitest'
import { sagaOf, TaskScene } from './testing/task-scene.ts'

const saga = sagaOf([{ name: 'pay', kind: 'step', effect: 'at_most_once' }])

it('[J93] a run of a worker is given again what it does not hold, and another run is not', async () => {
  const scene = await TaskScene.open()
  const ask = (instance: string, holds: readonly string[] = []) => scene.work([saga], { max: 4, instance, holds })
  await scene.begin(saga)
  const [first] = await ask('one')
  const { token } = first ?? expect.fail('no work')
  // The answer was lost: until the worker says that it holds the lease, it is given again.
  expect(await ask('one')).toMatchObject([{ token, attempt: 1 }])
  expect(await ask('two')).toEqual([])
  expect(await ask('one')).toMatchObject([{ token }])
  await scene.begin(saga)
  const [second] = await ask('one', [token])
  expect(second?.token).not.toBe(token)
  // A lease that was heard of is not given again, also if its end was never told.
  expect(await ask('one', [second?.token ?? ''])).toEqual([])
  expect(await ask('one')).toEqual([])
  await scene.engine.done(token, { result: 1 })
  await scene.close()
})

it('[J93] a lease that has ended meanwhile is not given again, and one that is has its whole time', async () => {
  const scene = await TaskScene.open({ limits: { leaseMs: 1_000 } })
  const ask = (holds: readonly string[] = []) => scene.work([saga], { max: 4, instance: 'one', holds })
  const task = await scene.begin(saga)
  await ask()
  scene.clock.pass(900)
  expect(await ask()).toHaveLength(1)
  scene.clock.pass(900)
  expect(await ask()).toHaveLength(1)
  scene.clock.pass(1_100)
  // It may have happened, as far as the server knows.
  expect(await ask()).toEqual([])
  expect(await scene.find(task)).toMatchObject({ state: 'needs_attention' })
  await scene.close()
})
