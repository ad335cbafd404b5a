import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { ResourceScene, stripeAt } from './resource-scene.ts'
import { after, describeTimes, timeEdits } from './timed-edits.ts'

/** Resources of the batch: the most that one may have, by default. */
const ITEMS = Number(process.env.JOINERY_BATCH_ITEMS ?? 1_000)
/** Time of edits without a batch. */
const ALONE_SECONDS = 10
/** People edit another workspace than that of the batch. */
const BESIDE = '/v1/workspaces/beside'

async function bytesOf(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true })
  const sizes = await Promise.all(names.map((name) => stat(join(directory, name)).catch(() => undefined)))
  return sizes.reduce((sum, found) => sum + (found?.isFile() === true ? found.size : 0), 0)
}

it('[RS66] a batch of a thousand resources is done whole, once each, while people edit', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const data = join(scene.directory, 'data')
  const alone = await timeEdits(scene, BESIDE, after(ALONE_SECONDS))
  const before = await bytesOf(data)
  const detail = { amount: 500, currency: 'eur', payment_method: 'pm_card_visa' }
  const items = Array.from({ length: ITEMS }, (_, n) => ({ block: 'order', name: `p${n}`, detail }))
  const sinceMs = performance.now()
  const started = await scene.call('POST', `${scene.home}/tasks`, { saga: 'payment@1.batch', input: { items } })
  expect(started.status, started.text).toBe(202)
  const path = String(started.headers.location)
  let state = ''
  const isOver = (): boolean => ['done', 'failed', 'compensated', 'needs_attention'].includes(state)
  const done = (async () => {
    for (; !isOver(); await pause(500)) {
      state = ((await scene.call('GET', path)).json as { task: { state: string } }).task.state
    }
  })()
  const beside = await timeEdits(scene, BESIDE, isOver)
  await done
  const tookMs = performance.now() - sinceMs
  expect(state).toBe('done')
  const { json } = await scene.call('GET', `${scene.home}/blocks/order`)
  const shown = JSON.stringify(json).match(/"status":"captured"/g) ?? []
  expect(shown).toHaveLength(ITEMS)
  const grown = ((await bytesOf(data)) - before) / ITEMS
  console.log(
    `${ITEMS} payments in ${(tookMs / 1_000).toFixed(1)} s, ${Math.round(grown)} bytes on the disk for each; edits: ${describeTimes(alone)}, beside the batch ${describeTimes(beside)}`,
  )
})
