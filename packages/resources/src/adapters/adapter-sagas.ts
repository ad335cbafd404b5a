import { setTimeout as pause } from 'node:timers/promises'
import type { JsonObject, Machine } from '@joinery/blocks'
import { defineSaga, failureOf, type RunContext, type Saga, StepError, type StepOptions, step } from '@joinery/worker'
import { z } from 'zod'
import type { Secrets } from '../secrets/secrets.ts'
import type { CallContext, Observed, ResourceAdapter, SyncContext } from './adapter.ts'

/** Longest time of one call of an adapter, ms. */
const CALL_MS = 120_000
/** Attempts of a call; looks of a poll are bounded by its own time. */
const ATTEMPTS = 8
const LOOKS = 100
/** Longest pause between two looks, ms: that of all steps. */
const PAUSE_MS_MAX = 15 * 60_000
/** Time between two looks for a resource that a service may not show yet, ms. */
const LOOK_AGAIN_MS = 60_000
const ERROR_LENGTH_MAX = 1_000

const json = z.record(z.string(), z.json()) as z.ZodType<JsonObject>
const runShape = z.object({ no: z.number(), id: z.string(), source: z.string() })
/** The input of a run's task, as the server makes it. */
const runInput = z.object({ block: z.string(), name: z.string(), run: runShape, detail: json })
/** The input of a look at a resource. */
const lookInput = z.object({
  block: z.string(),
  name: z.string(),
  run: runShape.optional(),
  externalId: z.string().optional(),
  /** The state that a signed event tells, of a service that can't be asked. */
  observed: z.custom<Observed>().optional(),
})
type RunInput = z.infer<typeof runInput>

/** The parts of a step's context that a call of an adapter needs. */
interface Calling {
  readonly workspace: string
  readonly signal: AbortSignal
  readonly key: string
  readonly attempt: number
  readonly startedAt: number
  readonly beat: (progress: { progress?: number; total?: number }) => void
}

export interface AdapterSagasOptions {
  readonly adapter: ResourceAdapter
  readonly machine: Machine
  readonly secrets: Secrets
  /** Time between two looks for a resource that a service may not show yet, ms; a minute by default. */
  readonly lookAgainMs?: number
}

/** Name of the saga that looks at a resource after news of it. */
export function observeSagaOf(machine: string): string {
  return `${machine}.observe`
}

/** The sagas of an adapter: one for runs of its machine, and one that looks at a resource after news of it. */
export function sagasOf(options: AdapterSagasOptions): Saga[] {
  return [runSaga(options), observeSaga(options)]
}

function runSaga(options: AdapterSagasOptions): Saga {
  const { adapter, machine, secrets } = options
  const { poll } = adapter
  const isSettled = ({ status, isSettled = machine.rules.isFinished(status) }: Observed): boolean => isSettled
  const report = reporter(machine)
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
    ...(adapter.undo && {
      compensate: async (context) => {
        const { externalId } = (context.result ?? {}) as Partial<Observed>
        const call = { ...syncContextOf(adapter, context.input, context), externalId }
        const runKey = context.runKey ?? context.key
        const found = externalId === undefined ? await findSurely(options, { ...call, key: runKey }) : undefined
        await clean(secrets, () => adapter.undo?.({ ...call, externalId: externalId ?? found?.externalId }))
        const id = externalId ?? found?.externalId
        if (adapter.query === undefined || id === undefined) return
        const observed = await adapter.query({ ...call, externalId: id })
        context.edit((draft) => report(draft, context.input, observed, context.task))
      },
    }),
  }
  /** One look at a resource. Throws a failure that is worth another look unless it is settled. */
  const look = async (context: RunContext<RunInput>, before: Observed): Promise<Observed> => {
    const call = { ...syncContextOf(adapter, context.input, context), externalId: before.externalId }
    const observed = await clean(secrets, () => adapter.query?.(call))
    if (observed === undefined || !isSettled(observed)) throw new StepError('pending', `it is ${observed?.status} yet`)
    context.edit((draft) => report(draft, context.input, observed, context.task))
    return observed
  }
  const watch: StepOptions<RunInput> = {
    host: adapter.host,
    timeoutMs: CALL_MS,
    retry: { attempts: LOOKS, firstMs: poll?.firstMs ?? 1_000, maxMs: poll?.maxMs ?? 60_000 },
    giveUpAfterMs: poll?.timeoutMs ?? 3_600_000,
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
      if (found != null || !machine.table.stalls.includes(before.status)) return null
      const stalled = { since: Date.now(), why: `${adapter.host} has not ended it in time` }
      context.edit((draft) => report(draft, context.input, before, context.task, { stalled }))
      return null
    },
  }
  const lateForMs = poll?.giveUpAfterMs === undefined ? undefined : poll.giveUpAfterMs - poll.timeoutMs
  const lateEveryMs = Math.min(PAUSE_MS_MAX, Math.max(poll?.maxMs ?? 0, (lateForMs ?? 0) / LOOKS))
  const late: StepOptions<RunInput> = {
    host: adapter.host,
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

function observeSaga({ adapter, machine, secrets }: AdapterSagasOptions): Saga {
  const report = reporter(machine)
  const look: StepOptions<z.infer<typeof lookInput>> = {
    host: adapter.host,
    timeoutMs: CALL_MS,
    retry: { attempts: ATTEMPTS },
    run: async (context) => {
      const { block, name, externalId, observed: told } = context.input
      const { workspace, signal } = context
      const call = { resource: { workspace, block, machine: adapter.machine, name }, detail: {}, externalId, signal }
      const observed = adapter.query === undefined ? told : await clean(secrets, () => adapter.query?.(call))
      if (observed === undefined)
        throw new StepError('permanent', 'the service can’t be asked, and the event tells no state')
      context.edit((draft) => report(draft, context.input, observed))
      return observed
    },
  }
  return defineSaga({ name: observeSagaOf(adapter.machine), version: 1, input: lookInput, steps: [step('look', look)] })
}

/** One call of `sync`. A refusal for good is a result: the run has failed, and nothing has to be taken back. */
async function syncOnce(options: AdapterSagasOptions, context: SyncContext): Promise<Observed> {
  const { adapter, machine, secrets } = options
  const { keyLifetimeMs } = adapter
  if (keyLifetimeMs !== undefined && context.attempt > 1 && Date.now() - context.startedAt > keyLifetimeMs) {
    // The service has forgotten the key: the same call would be a second one.
    const found = await findSurely(options, context)
    if (found !== undefined) return found
  }
  try {
    return await clean(secrets, () => adapter.sync(context))
  } catch (error) {
    const { class: failure, error: message } = failureOf(error)
    // Some services keep an answer of 500 under the key: no later call would tell what has happened.
    const found = failure === 'unsure' && context.attempt > 1 ? await adapter.find?.(context) : undefined
    if (found !== undefined) return found
    const [status] = machine.table.failures
    if (failure !== 'permanent' || status === undefined || context.signal.aborted) throw error
    return { status, error: message.slice(0, ERROR_LENGTH_MAX) }
  }
}

/** Looks for the resource of a key, twice if need be: a search may not show at once what is there. */
async function findSurely(
  { adapter, secrets, lookAgainMs = LOOK_AGAIN_MS }: AdapterSagasOptions,
  context: CallContext & { readonly key: string },
): Promise<Observed | undefined> {
  if (adapter.find === undefined) return undefined
  const find = (): Promise<Observed | undefined> => clean(secrets, async () => adapter.find?.(context))
  const found = await find()
  if (found !== undefined) return found
  await pause(lookAgainMs, undefined, { signal: context.signal })
  return find()
}

/** Calls the adapter. Its error goes on without the values of secrets, which a service may repeat. */
async function clean<T>(secrets: Secrets, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof Error) error.message = secrets.redact(error.message)
    throw error
  }
}

function syncContextOf(adapter: ResourceAdapter, { block, name, detail }: RunInput, context: Calling): SyncContext {
  const { workspace, key, attempt, signal, startedAt, beat } = context
  const resource = { workspace, block, machine: adapter.machine, name }
  return { resource, detail, key, attempt, signal, startedAt, beat }
}

interface Drafting {
  reportStatus(block: string, rest: Readonly<Record<string, unknown>>): string
}
type Reported = Pick<RunInput, 'block' | 'name'> & { readonly run?: RunInput['run'] | undefined }

function reporter(machine: Machine) {
  return (draft: Drafting, input: Reported, observed: Observed, task?: string, more: object = {}): void => {
    const { block, name, run } = input
    const { status, externalId, progress, total, error, detail } = observed
    const isFailure = machine.table.failures.includes(status)
    draft.reportStatus(block, {
      ...{ machine: machine.name, name, run: run?.id ?? 'standing', status },
      ...(run !== undefined && { started: { no: run.no, source: run.source } }),
      ...(task !== undefined && { task }),
      ...(progress !== undefined && { progress }),
      ...(total !== undefined && { total }),
      ...(error !== undefined && isFailure && { error: error.slice(0, ERROR_LENGTH_MAX).toWellFormed() }),
      detail: { ...detail, ...(externalId !== undefined && { id: externalId }) },
      ...more,
    })
  }
}
