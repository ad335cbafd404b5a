import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { percentile } from '../bench/load/percentile.ts'
import { ResourceScene, stripeAt } from './resource-scene.ts'

/** Resources of the batch: the most that one may have, by default. */
const ITEMS = Number(process.env.JOINERY_BATCH_ITEMS ?? 1_000)
/** Time of edits without a batch, ms. */
const ALONE_MS = 10_000

/** Edits one after the other until `isOver`, and how long each took, ms. */
async function edits(scene: ResourceScene, isOver: () => boolean): Promise<number[]> {
  const took: number[] = []
  while (!isOver()) {
    const sinceMs = performance.now()
    const body = { type: 'text', content: `edit ${took.length}` }
    expect((await scene.call('PUT', '/v1/workspaces/beside/blocks/note', body)).status).toBeLessThan(300)
    took.push(performance.now() - sinceMs)
    await pause(20)
  }
  return took
}

async function bytesOf(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true })
  const sizes = await Promise.all(names.map((name) => stat(join(directory, name)).catch(() => undefined)))
  return sizes.reduce((sum, found) => sum + (found?.isFile() === true ? found.size : 0), 0)
}

it('[RS66] a batch of a thousand resources is done whole, once each, while people edit', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const data = join(scene.directory, 'data')
  const endAlone = performance.now() + ALONE_MS
  const alone = await edits(scene, () => performance.now() > endAlone)
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
  const beside = await edits(scene, isOver)
  await done
  const tookMs = performance.now() - sinceMs
  expect(state).toBe('done')
  const { json } = await scene.call('GET', `${scene.home}/blocks/order`)
  const shown = JSON.stringify(json).match(/"status":"captured"/g) ?? []
  expect(shown).toHaveLength(ITEMS)
  const figures = [alone, beside].map((each) => {
    const sorted = each.toSorted((a, b) => a - b)
    return `p50 ${percentile(sorted, 0.5).toFixed(1)} and p99 ${percentile(sorted, 0.99).toFixed(1)} ms`
  })
  const grown = ((await bytesOf(data)) - before) / ITEMS
  // Figures of a busy machine say nothing by themselves: they are told, and judged by people.
  console.log(
    `${ITEMS} payments in ${(tookMs / 1_000).toFixed(1)} s, ${Math.round(grown)} bytes on the disk for each; edits: ${figures[0]}, beside the batch ${figures[1]}`,
  )
})
