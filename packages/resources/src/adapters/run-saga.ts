import type { JsonObject } from '@joinery/blocks'
import { defineSaga, type RunContext, type Saga, type StepOptions, step } from '@joinery/worker'
import { z } from 'zod'
import type { Observed } from './adapter.ts'
import {
  type AdapterSagasOptions,
  ATTEMPTS,
  CALL_MS,
  isSettledFor,
  lookOnce,
  syncContextOf,
  syncOnce,
  undoSync,
} from './adapter-calls.ts'
import { reporter, stallReporter } from './adapter-reports.ts'

/** Attempts at a look that fails. Looks that find nothing new are bounded by their time alone. */
export const LOOKS = 100
/** Longest pause between two looks, ms: that of all steps. */
export const PAUSE_MS_MAX = 15 * 60_000
/** Time for which a resource is looked at, where its adapter says nothing, ms. */
export const POLL_MS = 3_600_000

export const json = z.record(z.string(), z.json()) as z.ZodType<JsonObject>
export const runShape = z.object({ no: z.number(), id: z.string(), source: z.string() })
/** The input of a run's task, as the server makes it. */
const runInput = z.object({ block: z.string(), name: z.string(), run: runShape, detail: json })
type RunInput = z.infer<typeof runInput>

/** The saga of one run: it has the service do the work, and looks until the service has ended it. */
export function runSaga(options: AdapterSagasOptions): Saga {
  const { adapter, machine } = options
  const { poll } = adapter
  const isSettled = isSettledFor(machine)
  const report = reporter(machine)
  const reportStall = stallReporter(machine, adapter)
  const sync: StepOptions<RunInput> = {
    host: adapter.host,
    timeoutMs: CALL_MS,
    retry: { attempts: ATTEMPTS },
    // Nobody knows what has happened at the service: a person has to look.
    onFailure: 'wait',
    run: async (context) => {
      const observed = await syncOnce(options, syncContextOf(adapter, context.input, context))
      context.edit((draft) => report(draft, context.input, observed, context.task))
      return observed
    },
    ...(adapter.undo && { compensate: (context) => undoSync(options, context.input, context) }),
  }
  const look = async (context: RunContext<RunInput>, { externalId }: Observed): Promise<Observed> => {
    const observed = await lookOnce(options, { ...syncContextOf(adapter, context.input, context), externalId })
    context.edit((draft) => report(draft, context.input, observed, context.task))
    return observed
  }
  const watch: StepOptions<RunInput> = {
    host: adapter.host,
    follows: adapter.machine,
    timeoutMs: CALL_MS,
    retry: { attempts: LOOKS, firstMs: poll?.firstMs ?? 1_000, maxMs: poll?.maxMs ?? 60_000 },
    giveUpAfterMs: poll?.timeoutMs ?? POLL_MS,
    onFailure: 'continue',
    run: (context) => {
      const before = context.results.sync as Observed
      if (isSettled(before) || adapter.query === undefined || poll === undefined) return before
      return look(context, before)
    },
  }
  const stall: StepOptions<RunInput> = {
    // Nothing at the service is taken back because its state could not be shown.
    onFailure: 'continue',
    run: (context) => {
      const { sync: before, watch: found } = context.results as { sync: Observed; watch?: Observed | null }
      if (found != null) return null
      context.edit((draft) => reportStall(draft, context.input, before, context.task))
      return null
    },
  }
  const lateForMs = poll?.giveUpAfterMs === undefined ? undefined : poll.giveUpAfterMs - poll.timeoutMs
  const lateEveryMs = Math.min(PAUSE_MS_MAX, Math.max(poll?.maxMs ?? 0, (lateForMs ?? 0) / LOOKS))
  const late: StepOptions<RunInput> = {
    host: adapter.host,
    follows: adapter.machine,
    timeoutMs: CALL_MS,
    ...(lateForMs !== undefined && {
      retry: { attempts: LOOKS, firstMs: lateEveryMs, maxMs: lateEveryMs },
      giveUpAfterMs: lateForMs,
    }),
    onFailure: 'continue',
    run: (context) => {
      const { sync: before, watch: found } = context.results as { sync: Observed; watch?: Observed | null }
      if (found != null || lateForMs === undefined) return found ?? null
      return look(context, before)
    },
  }
  const giveUp: StepOptions<RunInput> = {
    onFailure: 'continue',
    run: (context) => {
      const { sync: before, late: found } = context.results as { sync: Observed; late?: Observed | null }
      const [status] = machine.table.failures
      if (found != null || lateForMs === undefined || status === undefined) return null
      const error = `${adapter.host} has not ended it within ${poll?.giveUpAfterMs} ms`
      context.edit((draft) => report(draft, context.input, { ...before, status, error }, context.task))
      return null
    },
  }
  // Always the same steps: another configuration must not leave tasks behind that nobody serves.
  const steps = [
    ...[step('sync', sync), step('watch', watch), step('stall', stall)],
    ...[step('late', late), step('give-up', giveUp)],
  ]
  return defineSaga({ name: adapter.machine, version: 1, input: runInput, steps })
}
