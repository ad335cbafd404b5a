import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { percentile } from '../bench/load/percentile.ts'
import { ResourceScene, stripeAt } from './resource-scene.ts'

const PAYMENTS = 20
const HOOKS_PER_SECOND = 50
const SECONDS = Number(process.env.JOINERY_HOOK_SECONDS ?? 60)

/** Edits for so many seconds, and how long each took, ms. */
async function edits(scene: ResourceScene, seconds: number): Promise<number[]> {
  const took: number[] = []
  for (const endMs = performance.now() + seconds * 1_000; performance.now() < endMs; await pause(20)) {
    const sinceMs = performance.now()
    const body = { type: 'text', content: `edit ${took.length}` }
    expect((await scene.call('PUT', `${scene.home}/blocks/note`, body)).status).toBeLessThan(300)
    took.push(performance.now() - sinceMs)
  }
  return took
}

it('[RS14, RS15, RS47] 50 events a second are all kept and all handled, while people edit', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const ids: string[] = []
  for (let n = 0; n < PAYMENTS; n++) {
    await scene.run(`p${n}`, { amount: 500, currency: 'eur' })
    const { detail } = await scene.shows(`p${n}`, { status: 'requires_action' })
    ids.push((detail as { id: string }).id)
  }
  const alone = await edits(scene, SECONDS)
  const answers: Promise<number>[] = []
  const sending = (async () => {
    const startMs = performance.now()
    for (let n = 0; n < SECONDS * HOOKS_PER_SECOND; n++) {
      const object = { id: 'ch_1', payment_intent: ids[n % PAYMENTS] }
      const event = JSON.stringify({ id: `evt_${n}`, type: 'charge.updated', data: { object } })
      answers.push(scene.send(event).then(({ status }) => status))
      await pause(Math.max(0, startMs + ((n + 1) * 1_000) / HOOKS_PER_SECOND - performance.now()))
    }
  })()
  const beside = await edits(scene, SECONDS)
  await sending
  expect(new Set(await Promise.all(answers))).toEqual(new Set([202]))
  const waiting = async () => /^joinery_hooks_waiting (\d+)$/m.exec((await scene.call('GET', '/metrics')).text)?.[1]
  await expect.poll(waiting, { message: 'all events have their tasks' }).toBe('0')
  const done = new RegExp(
    `^joinery_tasks_ended_total\\{[^}]*observe[^}]*done[^}]*\\} ${SECONDS * HOOKS_PER_SECOND}$`,
    'm',
  )
  await expect
    .poll(async () => (await scene.call('GET', '/metrics')).text, { message: 'all are handled' })
    .toMatch(done)
  // Figures of a busy machine say nothing by themselves: they are told, and judged by people.
  const ms = (of: number[], share: number): string =>
    percentile(
      of.toSorted((a, b) => a - b),
      share,
    ).toFixed(1)
  console.log(
    `edits: p50 ${ms(alone, 0.5)} and p99 ${ms(alone, 0.99)} ms; beside events ${ms(beside, 0.5)} and ${ms(beside, 0.99)} ms`,
  )
})
