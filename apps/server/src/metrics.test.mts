import { readFileSync } from 'node:fs'
import { openMemoryStore } from '@joinery/log'
import { createServer, Revocations } from '@joinery/server'
import { expect, it } from 'vitest'
import { createMetrics } from './metrics.mts'

const README = new URL('../README.md', import.meta.url)
const ALERTS = new URL('../alerts.yaml', import.meta.url)

/** The metrics of a server that has everything, in the text format. */
async function everything(): Promise<string> {
  const metrics = createMetrics()
  const store = openMemoryStore({ observer: metrics.observer })
  metrics.watch(createServer({ store }), { refused: new Map() }, store, new Revocations())
  const seconds = { counts: [], sum: 0, count: 0 }
  const lists = { started: [], ended: [], steps: [], retries: [], leasesLost: [], compensations: [] }
  const tasks = {
    counts: { ...lists, undoKept: 0, fencedWrites: 0, taskSeconds: seconds, stepSeconds: seconds },
    gauges: { tasks: [], waiting: [], breakers: [], leases: 0, timers: 0, damagedJournals: 0, timerLagSeconds: 0 },
  }
  metrics.watchTasks(tasks)
  metrics.watchFiles({ uploadedBytes: 0 }, tasks)
  metrics.watchHooks({ counts: new Map(), countOf: () => 0 })
  metrics.watchOutbox({ outbox: { endpoints: [], lags: new Map(), dead: 0 }, egress: { refused: new Map() } })
  metrics.watchOutside({ counts: new Map(), size: { entries: 0, bytes: 0 } })
  const counts = { answered: 0, repeats: 0, texts: 0, failed: new Map() }
  metrics.watchSearch({ search: { counts: new Map() }, service: { counts } })
  metrics.watchHeads({ counters: { signed: 0, logged: 0, contradictions: 0, failures: 0 } })
  return await metrics.render()
}

it('[A22, A43] README.md names the metrics there are, and no others', async () => {
  const shown = Array.from((await everything()).matchAll(/^# TYPE (joinery_\w+)/gm), ([, name]) => name)
  const named = Array.from(readFileSync(README, 'utf8').matchAll(/`(joinery_\w+)`/g), ([, name]) => name)
  expect([...new Set(named)].toSorted()).toEqual(shown.toSorted())
})

it('[A153] each alert in alerts.yaml has a name of its own, and speaks of metrics that there are', async () => {
  const text = readFileSync(ALERTS, 'utf8')
  const alerts = Array.from(text.matchAll(/^ {6}- alert: (\w+)\n {8}expr: (.+)$/gm), ([, name, expr = '']) => ({
    name,
    expr,
  }))
  expect(alerts).toHaveLength(text.match(/alert:/g)?.length ?? 0)
  expect(new Set(alerts.map(({ name }) => name)).size).toBe(alerts.length)
  const rendered = await everything()
  for (const { name, expr } of alerts) {
    const metrics = expr.match(/joinery_\w+/g) ?? []
    expect(metrics, name).not.toEqual([])
    for (const metric of metrics) expect(rendered, name).toMatch(new RegExp(`^# TYPE ${metric} `, 'm'))
  }
})
