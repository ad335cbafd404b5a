import { openLevelStore } from '@joinery/log'
import type { LeaseAsk, SagaShape } from '@joinery/protocol'
import { openTasks, type TaskEngine } from '@joinery/tasks'
import { PlainDocuments } from '@joinery/tasks/testing'

/** Workspaces over which the tasks are spread. */
const WORKSPACES = 4
/** Starts that are on their way at once. */
const AT_ONCE = 50
const NEVER = new AbortController().signal
const BY = { actor: 'ada', source: 'user_action' }

/** The saga of the tasks. Its worker runs in the measurement, if anywhere. */
export const SAGA: SagaShape = {
  ...{ name: 'instantiate-template', version: 1, digest: 'd' },
  steps: ['blocks', 'files', 'embed', 'link', 'notify'].map((name) => ({ name, kind: 'step', hasUndo: true })),
}
export const ASK: LeaseAsk = { worker: 'w', serves: [SAGA], max: 16, waitMs: 0 }

/** Opens the tasks in `directory`, without a server. */
export async function openManyTasks(directory: string): Promise<{ tasks: TaskEngine; close(): Promise<void> }> {
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

/** Starts `count` tasks, and does a step of each second one. Returns starts and steps a second. */
export async function fillTasks(
  tasks: TaskEngine,
  count: number,
): Promise<{ readonly startsPerSecond: number; readonly stepsPerSecond: number }> {
  await tasks.lease(ASK, () => false, NEVER)
  const startMs = performance.now()
  for (let n = 0; n < count; n += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - n) }, (_, m) => n + m)
    const input = { template: 'a page', prefix: 'p', note: 'x'.repeat(100) }
    await Promise.all(
      some.map((id) => tasks.start(`w${id % WORKSPACES}`, { saga: SAGA.name, input, by: BY, key: `k${id}` })),
    )
  }
  const startsPerSecond = count / ((performance.now() - startMs) / 1_000)
  const stepMs = performance.now()
  let steps = 0
  while (steps < count / 2) {
    const works = await tasks.lease(ASK, () => true, NEVER)
    await Promise.all(works.map(({ token }) => tasks.done(token, { result: { blocks: ['a', 'b'] } })))
    steps += works.length
  }
  return { startsPerSecond, stepsPerSecond: steps / ((performance.now() - stepMs) / 1_000) }
}
