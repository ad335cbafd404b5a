import { expect, it } from 'vitest'
import { ResourceScene, stripeAt } from './resource-scene.ts'

/** Moments at which the worker is killed: when its answer is lost, as its request arrives, and when it has the answer. */
const MOMENTS = ['lost', 'before', 'answered'] as const
/** Kills in all. A worker is started again after a pause that doubles, so the nightly run takes minutes. */
const KILLS = process.env.JOINERY_NIGHTLY === undefined ? 1 : 30

it('[RS9, RS10] a worker killed at any moment of a payment leaves one charge, or one refund when it is taken back', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const { ledger } = scene
  await scene.run('first', { amount: 100, currency: 'eur', payment_method: 'pm_card_visa' })
  await scene.shows('first', { status: 'captured' })
  const kill = async (): Promise<void> => {
    for (const pid of await scene.workers()) process.kill(pid, 'SIGKILL')
  }
  /** Starts a payment whose first request meets a kill. Resolves when the worker is dead. */
  const payOver = async (name: string, moment: (typeof MOMENTS)[number]): Promise<void> => {
    const killed = Promise.withResolvers<void>()
    let isArmed = true
    ledger.fault = ({ method }) => {
      if (!isArmed || method !== 'POST') return {}
      isArmed = false
      kill().then(killed.resolve, killed.reject)
      return moment === 'before' ? { drop: true } : moment === 'lost' ? { lose: true } : {}
    }
    await scene.run(name, { amount: 100, currency: 'eur', payment_method: 'pm_card_visa' })
    await killed.promise
  }
  for (let n = 0; n < KILLS; n++) {
    await payOver(`p${n}`, MOMENTS[n % MOMENTS.length] ?? 'lost')
    await scene.shows(`p${n}`, { status: 'captured', detail: { received: 100 } })
  }
  const charges = (name: string): number =>
    ledger.charged.filter(({ metadata }) => metadata.joinery_name === name).length
  expect(Array.from({ length: KILLS }, (_, n) => charges(`p${n}`))).toEqual(new Array(KILLS).fill(1))

  // Taken back while nobody knows whether it has happened.
  await payOver('undone', 'lost')
  const open = await scene.call('GET', `${scene.home}/tasks?state=running,waiting,queued,stalled`)
  const task =
    open.json.tasks.find(({ input }: { input?: { name?: string } }) => input?.name === 'undone') ?? open.json.tasks[0]
  expect((await scene.call('POST', `${scene.home}/tasks/${task.id}/cancel`)).status).toBeLessThan(300)
  await expect
    .poll(async () => (await scene.call('GET', `/v1/tasks/${task.id}`)).json.task.state, {
      message: 'the payment is taken back',
    })
    .toBe('canceled')
  expect(charges('undone')).toBe(0)
  await scene.shows('undone', { status: 'refunded' })
})
