import { setTimeout as pause } from 'node:timers/promises'
import type { JsonObject, Machine } from '@joinery/blocks'
import { failureOf, StepError } from '@joinery/worker'
import type { Secrets } from '../secrets/secrets.ts'
import { redactIn } from '../secrets/without-secrets.ts'
import type { CallContext, Observed, ResourceAdapter, SyncContext } from './adapter.ts'
import { type Drafting, ERROR_LENGTH_MAX, type Reported, reporter } from './adapter-reports.ts'

/** Longest time of one call of an adapter, ms. */
export const CALL_MS = 120_000
/** Attempts of a call that fails. */
export const ATTEMPTS = 8
/** Time between two looks for a resource that a service may not show yet, ms. */
const LOOK_AGAIN_MS = 60_000
/** Levels of `cause` whose words may be told. */
const CAUSES_MAX = 8

export interface AdapterSagasOptions {
  readonly adapter: ResourceAdapter
  readonly machine: Machine
  readonly secrets: Secrets
  /** Time between two looks for a resource that a service may not show yet, ms; a minute by default. */
  readonly lookAgainMs?: number
}

/** The resource that a step is about, and the details of its run. */
export interface Subject {
  readonly block: string
  readonly name: string
  readonly detail: JsonObject
}

/** The parts of a step's context that a call of an adapter needs. */
interface Calling {
  readonly workspace: string
  readonly signal: AbortSignal
  readonly key: string
  readonly attempt: number
  readonly startedAt: number
  readonly beat: (progress: { progress?: number; total?: number }) => void
}

export function syncContextOf(adapter: ResourceAdapter, subject: Subject, context: Calling): SyncContext {
  const { workspace, key, attempt, signal, startedAt, beat } = context
  const { block, name, detail } = subject
  const resource = { workspace, block, machine: adapter.machine, name }
  return { resource, detail, key, attempt, signal, startedAt, beat }
}

/** Whether a resource needs no more looks. */
export function isSettledFor(machine: Machine): (observed: Pick<Observed, 'status' | 'isSettled'>) => boolean {
  return ({ status, isSettled = machine.rules.isFinished(status) }) => isSettled
}

/** One call of `sync`. A refusal for good is a result: the run has failed, and nothing has to be taken back. */
export async function syncOnce(options: AdapterSagasOptions, context: SyncContext): Promise<Observed> {
  const { adapter, machine, secrets } = options
  const { keyLifetimeMs } = adapter
  if (keyLifetimeMs !== undefined && context.attempt > 1 && Date.now() - context.startedAt > keyLifetimeMs) {
    // The service has forgotten the key: the same call would be a second one.
    const found = await findSurely(options, context)
    if (found !== undefined) return found
  }
  try {
    return await observe(secrets, () => adapter.sync(context))
  } catch (error) {
    const { class: failure, error: message } = failureOf(error)
    // Some services keep an answer of 500 under the key: no later call would tell what has happened.
    const isUnsure = failure === 'unsure' && context.attempt > 1
    const found = isUnsure ? await observe(secrets, async () => adapter.find?.(context)) : undefined
    if (found !== undefined) return found
    const [status] = machine.table.failures
    if (failure !== 'permanent' || status === undefined || context.signal.aborted) throw error
    return { status, error: message.slice(0, ERROR_LENGTH_MAX) }
  }
}

/** One look at a resource. Throws a failure that is worth another look unless it is settled. */
export async function lookOnce(options: AdapterSagasOptions, call: CallContext): Promise<Observed> {
  const { adapter, machine, secrets } = options
  const observed = await observe(secrets, async () => adapter.query?.(call))
  if (observed !== undefined && isSettledFor(machine)(observed)) return observed
  throw new StepError('pending', `it is ${observed?.status} yet`)
}

/** A step's context, as its undoing has it. */
interface Undoing extends Calling {
  readonly task: string
  /** The answer of the step. */
  readonly result?: unknown
  /** The key under which the step was done, if it is another one. */
  readonly runKey?: string | undefined
  edit(make: (draft: Drafting) => void): void
}

/** Undoes the step that has done a run, and says how the resource is then, where the service tells it. */
export async function undoSync(
  options: AdapterSagasOptions,
  subject: Subject & Reported,
  context: Undoing,
): Promise<void> {
  const { externalId } = (context.result ?? {}) as Partial<Observed>
  const call = { ...syncContextOf(options.adapter, subject, context), externalId }
  const observed = await takeBack(options, call, context.runKey ?? context.key)
  if (observed !== undefined) context.edit((draft) => reporter(options.machine)(draft, subject, observed, context.task))
}

/**
 * Takes the effect of a run back, and answers the state after it where the service tells one.
 *
 * @param runKey the key under which the run was made
 */
async function takeBack(
  options: AdapterSagasOptions,
  call: SyncContext,
  runKey: string,
): Promise<Observed | undefined> {
  const { adapter, secrets } = options
  const found = call.externalId === undefined ? await findSurely(options, { ...call, key: runKey }) : undefined
  const externalId = call.externalId ?? found?.externalId
  await clean(secrets, () => adapter.undo?.({ ...call, externalId }))
  if (adapter.query === undefined || externalId === undefined) return undefined
  return observe(secrets, async () => adapter.query?.({ ...call, externalId }))
}

/** Looks for the resource of a key, twice if need be: a search may not show at once what is there. */
async function findSurely(
  { adapter, secrets, lookAgainMs = LOOK_AGAIN_MS }: AdapterSagasOptions,
  context: CallContext & { readonly key: string },
): Promise<Observed | undefined> {
  if (adapter.find === undefined) return undefined
  const find = (): Promise<Observed | undefined> => observe(secrets, async () => adapter.find?.(context))
  const found = await find()
  if (found !== undefined) return found
  await pause(lookAgainMs, undefined, { signal: context.signal })
  return find()
}

/** Asks the adapter for a state. The words of the service in it, its details included, have no secrets. */
export async function observe<T extends Observed | undefined>(secrets: Secrets, call: () => Promise<T>): Promise<T> {
  const observed = await clean(secrets, call)
  if (observed === undefined) return observed
  const { error, detail } = observed
  return {
    ...observed,
    ...(error !== undefined && { error: secrets.redact(error) }),
    ...(detail !== undefined && { detail: redactIn(detail, (text) => secrets.redact(text)) }),
  }
}

/** Calls the adapter. Its error goes on without the values of secrets, which a service may repeat, and without signed URLs. */
async function clean<T>(secrets: Secrets, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    let told = error
    for (let depth = 0; depth < CAUSES_MAX && told instanceof Error; depth++, told = told.cause) {
      told.message = secrets.redact(told.message)
    }
    throw error
  }
}
