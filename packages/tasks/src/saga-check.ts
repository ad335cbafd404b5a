import type { Json, SagaShape, StepShape } from '@joinery/protocol'
import { z } from 'zod'
import { checkJson } from './json-value.ts'
import { TaskError } from './task-error.ts'
import type { TaskLimits } from './task-limits.ts'
import type { TaskRecord } from './task-state.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}$/
const DIGEST_MAX = 200
/** Bytes of one saga as its worker announces it. */
const SAGA_BYTES_MAX = 256 * 1024
/** Issues of an input that are told. */
const ISSUES_MAX = 20

/** Schemas that were read, by the saga that has them: a saga is announced once and checks many inputs. */
const schemas = new WeakMap<SagaShape, z.ZodType>()

/** Throws `invalid` or `too_large` for a saga that no server takes. */
export function checkSaga(saga: SagaShape, limits: TaskLimits): void {
  const what = `saga ${JSON.stringify(String(saga.name).slice(0, 100))}`
  const fail = (why: string): never => {
    throw new TaskError('invalid', `${what}: ${why}`)
  }
  checkJson(JSON.parse(JSON.stringify(saga)), what, SAGA_BYTES_MAX)
  if (!NAME.test(saga.name)) fail('a name has 1 to 100 of A-Z a-z 0-9 . _ : @ - and begins with a letter or digit')
  if (!Number.isSafeInteger(saga.version) || saga.version < 0) fail('a version is a whole number from 0')
  if (saga.digest.length > DIGEST_MAX) fail(`the digest has more than ${DIGEST_MAX} characters`)
  if (saga.steps.length > limits.stepsMax)
    fail(`${saga.steps.length} steps, and at most ${limits.stepsMax} are allowed`)
  const names = new Set<string>()
  for (const step of saga.steps) {
    if (!NAME.test(step.name))
      fail(`the step ${JSON.stringify(step.name.slice(0, 100))} needs a name like that of a saga`)
    if (names.has(step.name)) fail(`two steps are called ${step.name}`)
    names.add(step.name)
    const fault = faultOfStep(step, limits)
    if (fault !== undefined) fail(`step ${step.name}: ${fault}`)
  }
  if (saga.inputSchema !== undefined) schemaOf(saga)
}

function faultOfStep({ retry, kind, sleepMs, concurrency }: StepShape, limits: TaskLimits): string | undefined {
  if (kind === 'sleep' && !(Number(sleepMs) >= 0)) return 'a sleep needs sleepMs, 0 or more'
  if (concurrency !== undefined && !(concurrency >= 1)) return 'concurrency is 1 or more'
  if (retry === undefined) return undefined
  if (!(retry.attempts >= 1 && retry.attempts <= limits.attemptsMax)) return `attempts are 1 to ${limits.attemptsMax}`
  if (!(retry.firstMs >= 0 && retry.maxMs >= retry.firstMs)) return 'firstMs is 0 or more, and maxMs not below it'
  return undefined
}

/** Throws `invalid` with the issues if an input does not fit the schema of the saga. */
export function checkInput(saga: SagaShape, input: Json): void {
  if (saga.inputSchema === undefined) return
  const { error } = schemaOf(saga).safeParse(input)
  if (error === undefined) return
  const issues = error.issues.slice(0, ISSUES_MAX).map(({ path, message }) => ({ path: path.map(String), message }))
  const [first] = issues
  const where = first === undefined || first.path.length === 0 ? 'the input' : first.path.join('.')
  throw new TaskError('invalid', `the input does not fit saga ${saga.name}: ${where}: ${first?.message}`, { issues })
}

function schemaOf(saga: SagaShape): z.ZodType {
  const known = schemas.get(saga)
  if (known !== undefined) return known
  try {
    const schema = z.fromJSONSchema(saga.inputSchema as Parameters<typeof z.fromJSONSchema>[0])
    schemas.set(saga, schema)
    return schema
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new TaskError('invalid', `the input schema of saga ${saga.name} can’t be read as JSON Schema: ${why}`)
  }
}

/**
 * The use that a worker of a saga has for a task: `run` it as it is, go on with it by the worker's own version (`move`), or nothing.
 */
export function fitOf(task: TaskRecord, saga: SagaShape): 'run' | 'move' | undefined {
  if (task.saga.name !== saga.name) return undefined
  if (task.saga.version === saga.version && task.saga.digest === saga.digest) return 'run'
  if (task.saga.version === saga.version || saga.accepts?.includes(task.saga.version) !== true) return undefined
  return beginsAlike(task, saga) ? 'move' : undefined
}

/** Whether the steps that have begun stand at the same places in the other version. */
function beginsAlike(task: TaskRecord, saga: SagaShape): boolean {
  let begun = 0
  for (const [n, { plan, units, isWaiting }] of task.steps.entries()) {
    if (plan.attempt > 0 || isWaiting || units.entries().next().done !== true) begun = n + 1
  }
  return task.steps.slice(0, begun).every(({ shape }, n) => {
    const other = saga.steps[n]
    return other !== undefined && other.name === shape.name && other.kind === shape.kind
  })
}
