import { openLevelStore } from '@joinery/log'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { createStoreMetrics } from './store-metrics.mts'
import { temporaryDirectory } from './testing/temporary-directory.mts'

it('[A43] metrics of the log add up to what was appended, written, fsynced and snapshotted', async () => {
  const registry = new Registry()
  const observer = createStoreMetrics(registry)
  const store = await openLevelStore({ directory: await temporaryDirectory(), durability: 'sync', observer })
  const log = await store.open('demo')
  const stamp = { actor: 'ada', source: 'user_action', connection: 'c1', touched: [] }
  const update = Buffer.alloc(10_000, 'wood ')
  for (let n = 0; n < 3; n++) log.append({ ...stamp, update })
  await log.append({ ...stamp, update }).durable
  await log.snapshot({ lsn: log.head, state: update })
  await store.close()
  const shown = Object.fromEntries(
    (await registry.metrics())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(' ') as [string, string]),
  )
  expect(shown).toMatchObject({
    joinery_log_update_bytes_total: '40000',
    joinery_log_group_records_sum: '4',
    joinery_snapshots_total: '1',
    joinery_snapshot_state_bytes_total: '10000',
    joinery_log_damages_total: '0',
  })
  expect(Number(shown.joinery_log_stored_bytes_total)).toBeLessThan(1_000)
  for (const name of ['append', 'fsync', 'durable']) {
    expect(Number(shown[`joinery_log_${name}_seconds_count`]), name).toBeGreaterThan(0)
  }
})
