import { defineSaga, type Saga, StepError, type StepOptions, step } from '@joinery/worker'
import { z } from 'zod'
import type { Observed } from './adapter.ts'
import { type AdapterSagasOptions, ATTEMPTS, CALL_MS, observe } from './adapter-calls.ts'
import { reporter } from './adapter-reports.ts'
import { runShape } from './run-saga.ts'

/** The input of a look at a resource. */
const lookInput = z.object({
  block: z.string(),
  name: z.string(),
  run: runShape.optional(),
  externalId: z.string().optional(),
  /** The state that a signed event tells, of a service that can't be asked. */
  observed: z.custom<Observed>().optional(),
})

/** Name of the saga that looks at a resource after news of it. */
export function observeSagaOf(machine: string): string {
  return `${machine}.observe`
}

/** The saga of one look at a resource, after news of it. Steps that wait for the resource go on with its end. */
export function observeSaga({ adapter, machine, secrets }: AdapterSagasOptions): Saga {
  const report = reporter(machine)
  const look: StepOptions<z.infer<typeof lookInput>> = {
    host: adapter.host,
    tells: adapter.machine,
    timeoutMs: CALL_MS,
    retry: { attempts: ATTEMPTS },
    run: async (context) => {
      const { block, name, externalId, observed: told } = context.input
      const { workspace, signal } = context
      const call = { resource: { workspace, block, machine: adapter.machine, name }, detail: {}, externalId, signal }
      const observed = adapter.query === undefined ? told : await observe(secrets, async () => adapter.query?.(call))
      if (observed === undefined)
        throw new StepError('permanent', 'the service can’t be asked, and the event tells no state')
      context.edit((draft) => report(draft, context.input, observed))
      return observed
    },
  }
  return defineSaga({ name: observeSagaOf(adapter.machine), version: 1, input: lookInput, steps: [step('look', look)] })
}
