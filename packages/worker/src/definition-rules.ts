import type { RetryPolicy } from '@joinery/protocol'
import { isInputSchema } from './input-schema.ts'
import { WORKER_LIMITS as LIMITS } from './limits.ts'
import type { SagaDefinition } from './saga-definition.ts'
import type { Step } from './step.ts'
import { WorkerError } from './worker-error.ts'

/** The retries of a step that names none. */
const RETRY: RetryPolicy = { attempts: 8, firstMs: 1_000, maxMs: LIMITS.delayMsMax }

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]*$/
const SAGA_OPTIONS = ['name', 'version', 'input', 'deadlineMs', 'subject', 'steps', 'accepts']
const STEP_OPTIONS = [
  'run',
  'compensate',
  'retry',
  'timeoutMs',
  'giveUpAfterMs',
  'scheduleMs',
  'pivot',
  'onFailure',
  'onUndoFailure',
  'effect',
  'cancelGraceMs',
  'host',
  'follows',
  'tells',
]
/** The options that each kind of step takes. */
const OPTIONS: Readonly<Record<Step['kind'], readonly string[]>> = {
  step: STEP_OPTIONS,
  each: [...STEP_OPTIONS, 'items', 'keyOf', 'concurrency'],
  sleep: ['sleepMs'],
  signal: ['timeoutMs', 'onFailure'],
}
const TIMES = ['timeoutMs', 'giveUpAfterMs', 'scheduleMs', 'cancelGraceMs', 'sleepMs'] as const
const CHOICES = {
  onFailure: ['compensate', 'continue', 'wait'],
  onUndoFailure: ['continue', 'stop'],
  effect: ['at_most_once'],
} as const

function refuse(message: string): never {
  throw new WorkerError('bad_definition', message)
}

/** Throws `bad_definition` unless the definition can be served. Types prove nothing here: programs without types call it, too. */
export function checkSaga<Input>(definition: SagaDefinition<Input>): void {
  if (typeof definition !== 'object' || definition === null)
    refuse('defineSaga takes an object: { name, version, steps }')
  const { name, version, input, deadlineMs, subject, steps, accepts } = definition
  checkName(name, 'the name of a saga')
  const saga = `saga "${name}"`
  checkOptions(definition, SAGA_OPTIONS, saga)
  checkWhole(version, 1, LIMITS.versionMax, `${saga}: version`)
  if (input !== undefined && !isInputSchema(input)) {
    refuse(`${saga}: input must be a Standard Schema, such as zod's z.object({ … })`)
  }
  if (deadlineMs !== undefined) checkWhole(deadlineMs, 1, LIMITS.timeMsMax, `${saga}: deadlineMs`)
  checkFunction(subject, `${saga}: subject`)
  checkAccepts(accepts, version, saga)
  if (!Array.isArray(steps) || steps.length === 0) refuse(`${saga} has no steps: give at least one, made by step(…)`)
  if (steps.length > LIMITS.stepsMax) {
    refuse(
      `${saga} has ${steps.length} steps, at most ${LIMITS.stepsMax} are possible: use each(…) for items of one kind`,
    )
  }
  const names = new Set<string>()
  for (const each of steps) {
    checkStep(each, saga)
    if (names.has(each.name)) refuse(`${saga} has two steps "${each.name}": results are kept by name, rename one`)
    names.add(each.name)
  }
  if (steps.filter(({ options }) => options.pivot === true).length > 1) {
    refuse(`${saga} has two pivots: after the first there is no way back, so leave out the second`)
  }
}

function checkStep(each: Step, saga: string): void {
  if (typeof each !== 'object' || each === null || !Object.hasOwn(OPTIONS, each.kind)) {
    refuse(`${saga}: each of its steps must be made by step(…), each(…), sleep(…) or waitFor(…)`)
  }
  const { name, kind, options } = each
  checkName(name, `${saga}: the name of a step`)
  const place = `${saga}, step "${name}"`
  if (typeof options !== 'object' || options === null) refuse(`${place}: its options must be an object`)
  checkOptions(options, OPTIONS[kind], place)
  for (const time of TIMES) {
    const value = options[time]
    if (value !== undefined || (kind === 'sleep' && time === 'sleepMs')) {
      checkWhole(value, time === 'cancelGraceMs' ? 0 : 1, LIMITS.timeMsMax, `${place}: ${time}`)
    }
  }
  for (const [option, values] of Object.entries(CHOICES)) {
    const value = (options as Record<string, unknown>)[option]
    if (value === undefined || (values as readonly unknown[]).includes(value)) continue
    refuse(`${place}: ${option} must be ${values.map((one) => `"${one}"`).join(' or ')}, not ${JSON.stringify(value)}`)
  }
  if (kind === 'sleep' || kind === 'signal') return
  const { run, compensate, retry, host, follows, tells, concurrency, items, keyOf, pivot } = options
  if (typeof run !== 'function') refuse(`${place}: run must be a function`)
  checkFunction(compensate, `${place}: compensate`)
  checkFunction(keyOf, `${place}: keyOf`)
  if (kind === 'each' && typeof items !== 'function') refuse(`${place}: items must be a function that returns a list`)
  if (concurrency !== undefined) checkWhole(concurrency, 1, LIMITS.concurrencyMax, `${place}: concurrency`)
  if (pivot !== undefined && typeof pivot !== 'boolean') refuse(`${place}: pivot must be true or false`)
  for (const [option, value] of Object.entries({ host, follows, tells })) {
    if (value === undefined) continue
    if (typeof value === 'string' && value !== '' && value.length <= LIMITS.itemKeyLengthMax) continue
    refuse(`${place}: ${option} must be a text of 1 to ${LIMITS.itemKeyLengthMax} characters`)
  }
  if (retry !== undefined) checkRetry(retry, place)
}

function checkRetry(retry: Partial<RetryPolicy>, place: string): void {
  if (typeof retry !== 'object' || retry === null) refuse(`${place}: retry must be { attempts, firstMs, maxMs }`)
  checkOptions(retry, Object.keys(RETRY), `${place}: retry`)
  const { attempts, firstMs, maxMs } = retryOf(retry)
  checkWhole(attempts, 1, LIMITS.attemptsMax, `${place}: retry.attempts`)
  checkWhole(firstMs, 0, LIMITS.delayMsMax, `${place}: retry.firstMs`)
  checkWhole(maxMs, 0, LIMITS.delayMsMax, `${place}: retry.maxMs`)
}

/** The whole policy of a step that names a part of it. A first pause above the longest is cut to it by the server. */
export function retryOf(retry: Partial<RetryPolicy>): RetryPolicy {
  return { ...RETRY, ...retry }
}

function checkAccepts(accepts: unknown, version: number, saga: string): void {
  if (accepts === undefined) return
  if (!Array.isArray(accepts) || accepts.length > LIMITS.acceptsMax) {
    refuse(`${saga}: accepts must be a list of at most ${LIMITS.acceptsMax} versions`)
  }
  for (const each of accepts) checkWhole(each, 1, LIMITS.versionMax, `${saga}: each version that it accepts`)
  if (accepts.includes(version)) refuse(`${saga}: accepts names ${version}, its own version: leave it out`)
}

/** Throws `bad_definition` unless the name fits a URL, a header and a line of a journal. */
function checkName(name: unknown, what: string): void {
  if (typeof name === 'string' && NAME.test(name) && name.length <= LIMITS.nameLengthMax) return
  const rule = `1 to ${LIMITS.nameLengthMax} letters, digits, "-", "_", "." or "@", the first a letter or digit`
  refuse(`${what} must be ${rule}, not ${JSON.stringify(name) ?? typeof name}`)
}

function checkOptions(given: object, known: readonly string[], place: string): void {
  const unknown = Object.keys(given).find((option) => !known.includes(option))
  if (unknown !== undefined) refuse(`${place} has no option "${unknown}": it takes ${known.join(', ')}`)
}

function checkWhole(value: unknown, min: number, max: number, what: string): void {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return
  const given = typeof value === 'number' || typeof value === 'string' ? JSON.stringify(value) : typeof value
  refuse(`${what} must be a whole number from ${min} to ${max}, not ${given}`)
}

function checkFunction(value: unknown, what: string): void {
  if (value !== undefined && typeof value !== 'function') refuse(`${what} must be a function`)
}
