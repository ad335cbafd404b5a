import { createHash } from 'node:crypto'
import type { SagaShape, StepShape } from '@joinery/protocol'
import { checkSaga, retryOf } from './definition-rules.ts'
import { jsonSchemaOf } from './input-schema.ts'
import type { SagaDefinition } from './saga-definition.ts'
import type { Step } from './step.ts'

/** A saga that a worker can serve. */
export interface Saga {
  readonly name: string
  readonly version: number
  // biome-ignore lint/suspicious/noExplicitAny: a worker serves sagas of different inputs in one list
  readonly definition: SagaDefinition<any>
  readonly shape: SagaShape
}

const BRAND = Symbol.for('joinery.saga')

/** Defines a saga. Throws `bad_definition`, which names the step and the rule that it breaks. */
// biome-ignore lint/suspicious/noExplicitAny: the input of a saga without a schema is any JSON
export function defineSaga<Input = any>(definition: SagaDefinition<Input>): Saga {
  checkSaga(definition)
  const { name, version } = definition
  return Object.freeze({ [BRAND]: true, name, version, definition, shape: shapeOf(definition) })
}

export function isSaga(value: unknown): value is Saga {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, BRAND)
}

function shapeOf<Input>({
  name,
  version,
  input,
  deadlineMs,
  subject,
  steps,
  accepts,
}: SagaDefinition<Input>): SagaShape {
  const inputSchema = input && jsonSchemaOf(input)
  return {
    name,
    version,
    digest: digestOf(steps),
    steps: steps.map(shapeOfStep),
    ...(accepts !== undefined && { accepts }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(inputSchema !== undefined && { inputSchema }),
    ...(subject !== undefined && { hasSubject: true }),
  }
}

/** SHA-256, in hex digits, of one line for each step: its kind, a space, its name, a line feed. */
export function digestOf(steps: readonly Pick<StepShape, 'name' | 'kind'>[]): string {
  const lines = steps.map(({ kind, name }) => `${kind} ${name}\n`)
  return createHash('sha256').update(lines.join('')).digest('hex')
}

function shapeOfStep({ name, kind, options }: Step): StepShape {
  const { compensate, retry, pivot, concurrency, sleepMs } = options
  const { timeoutMs, giveUpAfterMs, scheduleMs, onFailure, onUndoFailure, effect, cancelGraceMs, host } = options
  const { follows, tells } = options
  const told = {
    hasUndo: compensate === undefined ? undefined : true,
    isPivot: pivot === true ? true : undefined,
    retry: retry && retryOf(retry),
    concurrency,
    sleepMs,
    timeoutMs,
    giveUpAfterMs,
    scheduleMs,
    onFailure,
    onUndoFailure,
    effect,
    cancelGraceMs,
    host,
    follows,
    tells,
  }
  const given = Object.entries(told).filter(([, value]) => value !== undefined)
  return { name, kind, ...Object.fromEntries(given) }
}
