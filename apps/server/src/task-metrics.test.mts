import { openMemoryStore } from '@joinery/log'
import { openTasks } from '@joinery/tasks'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { watchTasks } from './task-metrics.mts'

const saga = { name: 'publish', version: 1, digest: 'd', steps: [{ name: 'upload', kind: 'step' as const }] }
const by = { actor: 'ada', source: 'user_action' }

it('[A89] metrics count tasks by saga, state and reason, and attempts by step, and name no workspace', async () => {
  const store = openMemoryStore()
  const tasks = await openTasks({
    openSystemLog: (name) => store.open(name),
    atomically: (work) => store.atomically(work),
    copy: store.copy,
    documents: {
      commit: async (_workspace, { beside }) => beside(undefined, { kept: [], touched: [] }).durable,
      show: async () => {},
    },
    logger: pino({ level: 'silent' }),
  })
  const registry = new Registry()
  watchTasks(registry, tasks)
  const lease = async () => {
    return tasks.lease({ worker: 'w', serves: [saga], max: 1, waitMs: 0 }, () => true, new AbortController().signal)
  }
  await lease()
  for (let n = 0; n < 2; n++) await tasks.start('secret-place', { saga: 'publish', input: null, by })
  const [work] = await lease()
  await tasks.done(work?.token ?? '', {})
  const text = await registry.metrics()
  for (const line of [
    'joinery_tasks{definition="publish",state="done"} 1',
    'joinery_tasks{definition="publish",state="queued"} 1',
    'joinery_tasks_started_total{definition="publish"} 2',
    'joinery_tasks_ended_total{definition="publish",state="done"} 1',
    'joinery_steps_total{definition="publish",step="upload",outcome="done"} 1',
    'joinery_tasks_waiting{why="no_worker"} 1',
    'joinery_step_leases 0',
    'joinery_fenced_writes_total 0',
    'joinery_task_seconds_bucket{le="+Inf"} 1',
    'joinery_step_seconds_count 1',
  ])
    expect(text.split('\n'), text).toContain(line)
  expect(text).toMatch(/^joinery_oldest_waiting_seconds\{why="no_worker"\} /m)
  expect(text).not.toContain('secret-place')
  await tasks.close()
  await store.close()
})
