import { afterEach } from 'vitest'
import { defineSaga } from '../saga.ts'
import type { SagaDefinition } from '../saga-definition.ts'
import { type StepOptions, step } from '../step.ts'
import { type RunningWorker, startWorker, type WorkerOptions } from '../worker.ts'
import type { WorkServer } from './work-server.ts'

const workers: RunningWorker[] = []
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop().catch(() => undefined)))
})

/** A saga of one step. */
export const greet = (options: Partial<StepOptions<never>>, over: Partial<SagaDefinition<never>> = {}) =>
  defineSaga({ name: 'greet', version: 1, steps: [step('one', { run: () => null, ...options })], ...over })

/** Starts a worker, which is stopped after the test. */
export function start(
  server: WorkServer,
  options: Omit<Partial<WorkerOptions>, 'sagas'> & Pick<WorkerOptions, 'sagas'>,
): RunningWorker {
  const worker = startWorker({ url: server.url, drainMs: 0, ...options })
  workers.push(worker)
  return worker
}
