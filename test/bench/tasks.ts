import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore } from '@joinery/log'
import type { SagaShape } from '@joinery/protocol'
import { openTasks, type TaskEngine } from '@joinery/tasks'
import { PlainDocuments } from '@joinery/tasks/testing'

/**
 * `node --expose-gc test/bench/tasks.ts [TASKS]`: starts that many tasks (10,000 by default), half of them with a step done,
 * closes, and opens again. Prints the time of the start, the memory that the open tasks take, and starts and steps a second.
 */
const count = Number(process.argv[2] ?? 10_000)
/** Workspaces over which the tasks are spread. */
const WORKSPACES = 4
const directory = await mkdtemp(join(tmpdir(), 'joinery-tasks-'))
const saga: SagaShape = {
  ...{ name: 'instantiate-template', version: 1, digest: 'd' },
  steps: ['blocks', 'files', 'embed', 'link', 'notify'].map((name) => ({ name, kind: 'step', hasUndo: true })),
}
const never = new AbortController().signal
const by = { actor: 'ada', source: 'user_action' }

async function open(): Promise<{ tasks: TaskEngine; close(): Promise<void> }> {
  const store = await openLevelStore({ directory, durability: 'async' })
  const quiet = (): void => undefined
  const tasks = await openTasks({
    ...{ openSystemLog: (name) => store.open(name), atomically: (work) => store.atomically(work), copy: store.copy },
    ...{ documents: new PlainDocuments(store), logger: { info: quiet, warn: quiet, error: quiet } },
    limits: { perWorkspace: 1_000, perWorker: 1_000, perDefinition: 1_000 },
  })
  return {
    tasks,
    close: async () => {
      await tasks.close()
      await store.close()
    },
  }
}

function heapMiB(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 2 ** 20
}

try {
  const first = await open()
  const ask = { worker: 'w', serves: [saga], max: 16, waitMs: 0 }
  await first.tasks.lease(ask, () => false, never)
  const startMs = performance.now()
  for (let n = 0; n < count; n += 50) {
    const some = Array.from({ length: Math.min(50, count - n) }, (_, m) => n + m)
    const input = { template: 'a page', prefix: 'p', note: 'x'.repeat(100) }
    await Promise.all(
      some.map((id) => first.tasks.start(`w${id % WORKSPACES}`, { saga: saga.name, input, by, key: `k${id}` })),
    )
  }
  const startsPerSecond = count / ((performance.now() - startMs) / 1_000)
  const stepMs = performance.now()
  let steps = 0
  while (steps < count / 2) {
    const works = await first.tasks.lease(ask, () => true, never)
    await Promise.all(works.map(({ token }) => first.tasks.done(token, { result: { blocks: ['a', 'b'] } })))
    steps += works.length
  }
  const stepsPerSecond = steps / ((performance.now() - stepMs) / 1_000)
  await first.close()
  const before = heapMiB()
  const openMs = performance.now()
  const second = await open()
  const tookMs = performance.now() - openMs
  const after = heapMiB()
  const { tasks } = await second.tasks.list('w0', { limit: 1 })
  console.log(`${count} open tasks: opened in ${Math.round(tookMs)} ms, ${(after - before).toFixed(1)} MiB of heap`)
  console.log(
    `${Math.round(startsPerSecond)} starts/s, ${Math.round(stepsPerSecond)} steps/s; first listed: ${tasks[0]?.state}`,
  )
  await second.close()
} finally {
  await rm(directory, { recursive: true })
}
