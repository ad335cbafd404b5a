import { expect, it } from 'vitest'
import { breakFsync } from '../support/bad-fsync.ts'
import { healthOf } from '../support/health.ts'
import { Ledger } from './ledger.ts'
import { ResourceScene, stripeAt } from './resource-scene.ts'

/** Longer than a request takes in all other respects. */
const SLOW_MS = 3_000

it('[RS14, RS15] no event is answered with 2xx before it is on the disk, and none is lost or handled twice', async (context) => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const paid = async (name: string) => {
    await scene.run(name, { amount: 500, currency: 'eur' })
    const { detail } = await scene.shows(name, { status: 'requires_action' })
    return scene.ledger.move((detail as { id: string }).id, 'payment_intent.succeeded', Ledger.charge)
  }
  const [first, second] = [await paid('first'), await paid('second')]
  {
    await using fault = await breakFsync(context, scene.server.child.pid, { error: 'EIO' })
    const statuses: number[] = []
    const sent = scene.send(first).then(({ status }) => statuses.push(status))
    await expect.poll(async () => (await healthOf(scene.server.url)).status, { message: 'storage fails' }).toBe(503)
    // Nothing was promised: the first waits, or is told to come again.
    expect(statuses.filter((status) => status < 300)).toEqual([])
    expect((await scene.send(second)).status).toBe(503)
    await fault.lift()
    await expect.poll(async () => (await healthOf(scene.server.url)).status, { message: 'storage works' }).toBe(200)
    await sent
  }
  expect([200, 202]).toContain((await scene.send(first)).status)
  await scene.shows('first', { status: 'captured' })
  {
    await using _fault = await breakFsync(context, scene.server.child.pid, { delayMs: SLOW_MS })
    const unanswered = scene.send(second).then(
      ({ status }) => `answered ${status}`,
      () => 'cut off',
    )
    await expect
      .poll(async () => (await scene.call('GET', '/metrics')).text, {
        message: 'the event is appended',
      })
      .toMatch(/joinery_hooks_waiting 1\n/)
    // Between the append and the answer.
    await scene.killServer()
    expect(await unanswered).toBe('cut off')
  }
  expect([200, 202]).toContain((await scene.send(second)).status)
  await scene.shows('second', { status: 'captured' })
  const { json } = await scene.call('GET', `${scene.home}/tasks?saga=payment%401.observe`)
  expect(json.tasks).toHaveLength(2)
})
