import { expect, it } from 'vitest'
import { sagaOf, TaskScene } from './testing/task-scene.ts'

const one = sagaOf(['one'])

it('[J80] a worker that asks for short leases loses them soon, over a restart too, and never gets longer ones', async () => {
  const scene = await TaskScene.open()
  try {
    await scene.begin(one)
    const short = await scene.next([one], { leaseMs: 3_000 })
    expect(short.leaseMs).toBe(3_000)
    scene.clock.pass(2_900)
    expect(await scene.engine.beat(short.token, {})).toBe('go')
    scene.clock.pass(2_900)
    await scene.restart()
    scene.clock.pass(2_900)
    expect(await scene.engine.beat(short.token, {})).toBe('go')
    scene.clock.pass(3_100)
    await expect(scene.engine.beat(short.token, {})).rejects.toMatchObject({ code: 'lease_lost' })
    await scene.begin(one)
    expect((await scene.next([one], { leaseMs: 1 })).leaseMs).toBe(1_000)
    await scene.begin(one)
    expect((await scene.next([one], { leaseMs: 1e9 })).leaseMs).toBe(30_000)
  } finally {
    await scene.close()
  }
})
