import type { Json } from '@joinery/protocol'
import { WorkerError } from './worker-error.ts'

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

type Validated<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

/**
 * A schema of any library that follows Standard Schema 1 (zod, valibot, arktype). With Standard JSON Schema, too, the server
 * checks the input before it takes a task.
 */
export interface InputSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
    readonly jsonSchema?: { readonly input: (options: { readonly target: 'draft-2020-12' }) => unknown } | undefined
  }
}

export function isInputSchema(value: unknown): value is InputSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as Partial<InputSchema>)['~standard']
  return standard?.version === 1 && typeof standard.validate === 'function'
}

/** The JSON Schema of an input; undefined where the library or the schema has none. */
export function jsonSchemaOf(schema: InputSchema): Json | undefined {
  const { jsonSchema } = schema['~standard']
  if (jsonSchema === undefined) return undefined
  try {
    // The copy drops symbols and functions that some libraries keep beside the JSON.
    return JSON.parse(JSON.stringify(jsonSchema.input({ target: 'draft-2020-12' }))) as Json
  } catch {
    // A schema with a part that JSON Schema does not have. The worker checks the input in any case.
    return undefined
  }
}

/** The input as the steps get it. Rejects with `bad_input`, which names each issue and where it is. */
export async function parseInput<Output>(schema: InputSchema<Output>, input: unknown): Promise<Output> {
  const answer = await schema['~standard'].validate(input)
  if (answer.issues === undefined) return answer.value
  const issues = answer.issues.map(({ message, path = [] }) => `${placeOf(path)}: ${message}`)
  throw new WorkerError('bad_input', `the input does not fit the saga's schema: ${issues.join('; ')}`)
}

function placeOf(path: NonNullable<Issue['path']>): string {
  return ['input', ...path.map((part) => String(typeof part === 'object' ? part.key : part))].join('.')
}
