import { expect, it } from 'vitest'
import { fakeTime } from '../support/fake-time.ts'
import type { Order } from './outside.ts'
import { isEnded, SagaScene } from './saga-scene.ts'

const DAY_S = 86_400

it('[T134] a time of day that jumps by a day, of the server or of a worker, changes no outcome of a saga', async (context) => {
  await using scene = await SagaScene.start()
  const ofServer = await fakeTime(context, scene.directory, 'server')
  const ofWorker = await fakeTime(context, scene.directory, 'worker')
  await scene.server.child.end('SIGTERM')
  await scene.startServer(ofServer.env)
  const worker = scene.startWorker(ofWorker.env)
  try {
    for (const [n, [time, seconds, fails]] of (
      [
        [ofServer, DAY_S, false],
        [ofServer, -DAY_S, true],
        [ofWorker, DAY_S, true],
        [ofWorker, -DAY_S, false],
      ] as const
    ).entries()) {
      const prefix = `c${n}`
      let hasJumped = false
      scene.outside.onPlace = async (place): Promise<Order> => {
        if (place === 'charge after' && !hasJumped) {
          hasJumped = true
          await time.set(seconds)
        }
        return 'go'
      }
      const path = await scene.begin('template', scene.inputOf(prefix, { fails }))
      const task = await scene.until(path, isEnded)
      expect(hasJumped).toBe(true)
      expect(task.state, JSON.stringify(task)).toBe(fails ? 'compensated' : 'done')
      // The server of the second saga began it on the day that the first one has jumped to.
      if (n === 1) expect(task.startedAt - Date.now()).toBeGreaterThan((DAY_S * 1_000) / 2)
      // Times of one journal never go back, whatever the clock does.
      expect(task.endedAt ?? 0).toBeGreaterThanOrEqual(task.startedAt)
      await scene.expectPlan(prefix, !fails)
    }
    // Over a restart with a clock that is a day behind the last record: a wait goes on, and what follows it.
    const path = await scene.begin('waiting', scene.inputOf('w'))
    await scene.until(path, ({ waiting }) => waiting?.code === 'signal')
    await scene.server.child.end('SIGKILL')
    await ofServer.set(-2 * DAY_S)
    await scene.startServer(ofServer.env)
    await scene.call('POST', `${path}/signals/go`, { payload: 'now' })
    expect(await scene.until(path, isEnded)).toMatchObject({ state: 'done' })
    expect(scene.outside.charges('w').map(({ amount }) => amount)).toEqual([1, 2])
  } finally {
    await worker.end('SIGKILL')
  }
})
