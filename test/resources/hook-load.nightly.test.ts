import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { percentile } from '../bench/load/percentile.ts'
import { ResourceScene, stripeAt } from './resource-scene.ts'
import { after, describeTimes, timeEdits } from './timed-edits.ts'

const PAYMENTS = 20
const HOOKS_PER_SECOND = 50
/** Time of edits beside events, and as much without. */
const SECONDS = Number(process.env.JOINERY_HOOK_SECONDS ?? 60)
/** Parts with and without events take turns, so that a machine that becomes slower is slower for both. */
const ROUNDS = 6

it('[RS14, RS15, RS47] 50 events a second are all kept and all handled, while people edit', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const ids: string[] = []
  for (let n = 0; n < PAYMENTS; n++) {
    await scene.run(`p${n}`, { amount: 500, currency: 'eur' })
    const { detail } = await scene.shows(`p${n}`, { status: 'requires_action' })
    ids.push((detail as { id: string }).id)
  }
  // The first edits compile the code.
  await timeEdits(scene, scene.home, after(2))
  const alone: number[] = []
  const beside: number[] = []
  let sent = 0
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(...(await timeEdits(scene, scene.home, after(SECONDS / ROUNDS))))
    const sending = sendEvents(scene, ids, sent, (SECONDS / ROUNDS) * HOOKS_PER_SECOND)
    beside.push(...(await timeEdits(scene, scene.home, after(SECONDS / ROUNDS))))
    sent += await sending
    await whenHandled(scene, sent)
  }
  const ratio = (percentile(beside, 0.99) / percentile(alone, 0.99)).toFixed(2)
  console.log(`edits: ${describeTimes(alone)}; beside events ${describeTimes(beside)}; p99 is ${ratio} times as long`)
})

/** Sends events in step with the clock. Resolves with their number once all are answered. */
async function sendEvents(scene: ResourceScene, ids: readonly string[], from: number, count: number): Promise<number> {
  const answers: Promise<number>[] = []
  const startMs = performance.now()
  for (let n = 0; n < count; n++) {
    const object = { id: 'ch_1', payment_intent: ids[n % PAYMENTS] }
    const event = JSON.stringify({ id: `evt_${from + n}`, type: 'charge.updated', data: { object } })
    answers.push(scene.send(event).then(({ status }) => status))
    await pause(Math.max(0, startMs + ((n + 1) * 1_000) / HOOKS_PER_SECOND - performance.now()))
  }
  expect(new Set(await Promise.all(answers))).toEqual(new Set([202]))
  return answers.length
}

/** Waits until so many events have been handled in all. */
async function whenHandled(scene: ResourceScene, count: number): Promise<void> {
  const metrics = async () => (await scene.call('GET', '/metrics')).text
  const waiting = async () => /^joinery_hooks_waiting (\d+)$/m.exec(await metrics())?.[1]
  await expect.poll(waiting, { message: 'all events have their tasks' }).toBe('0')
  const done = new RegExp(`^joinery_tasks_ended_total\\{[^}]*observe[^}]*done[^}]*\\} ${count}$`, 'm')
  await expect.poll(metrics, { message: 'all are handled' }).toMatch(done)
}
