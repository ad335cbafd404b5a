import fc, { type Arbitrary } from 'fast-check'

/** The part of JSON Schema that the description uses. */
export interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly minItems?: number
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
}

/** Placeholders of a generated request for the id of a task and the token of a lease, which only the server makes. */
export const PLACES = { task: 'task-of-the-server', lease: 'lease-of-the-server' } as const

/** A few names, so that requests meet each other's blocks, and some that are not valid. */
export const NAMES: Readonly<Record<string, readonly string[]>> = {
  workspace: [...Array<string>(20).fill('w'), 'acme/docs', 'acme/docs', 'unknown', '..', 'a b'],
  edge: ['a', 'b', 'b', 'e', 'x'.repeat(129), 'a/b'],
  source: ['a', 'b', 'x/y'],
  target: ['a', 'b', ''],
  block: [
    ...Array<string>(10).fill('a'),
    ...Array<string>(10).fill('b'),
    'c',
    'ü-☃',
    'x'.repeat(128),
    'x'.repeat(129),
    'a/b',
    'constructor',
  ],
  index: [...Array<string>(10).fill('main'), 'side', 'a/b', '%', 'i'.repeat(257)],
  run: ['r1', 'r1', 'r2', 'r3'],
  runId: ['r1', 'r1', 'r2', 'r3'],
  saga: [...Array<string>(10).fill('board'), 'unknown', '', 'x'.repeat(129)],
  task: [...Array<string>(10).fill(PLACES.task), 'tsk_dw.0', 'tsk_', '..', 'ü-☃', '%'],
  token: [...Array<string>(10).fill(PLACES.lease), 'none', 'ü-☃', 'x'.repeat(2049)],
}

const anyJson = fc.jsonValue({ maxDepth: 3 }) as Arbitrary<unknown>
const text = fc.oneof(
  { weight: 20, arbitrary: fc.string({ maxLength: 20 }) },
  { weight: 20, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  { weight: 1, arbitrary: fc.constant('\ud800') },
)

/** Values that the schema allows, and now and then any value at all. */
export function arbitraryOf(schema: Schema, name = '', faultWeight = 1): Arbitrary<unknown> {
  const valid = validOf(schema, name, faultWeight)
  return faultWeight === 0
    ? valid
    : fc.oneof({ weight: 30, arbitrary: valid }, { weight: faultWeight, arbitrary: anyJson })
}

function validOf(schema: Schema, name: string, faultWeight: number): Arbitrary<unknown> {
  const pool = NAMES[name]
  if (pool !== undefined && schema.type === 'string') return fc.constantFrom(...pool)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  const choices = schema.oneOf ?? schema.anyOf
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => arbitraryOf(choice, name, faultWeight)))
  switch (schema.type) {
    case 'string':
      return text
    case 'integer':
    case 'number':
      return fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: schema.minimum ?? 0, max: (schema.minimum ?? 0) + 20 }) },
        { weight: 1, arbitrary: fc.constantFrom(-1, 0.5, schema.maximum ?? 2 ** 53) },
      )
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}, name, faultWeight), {
        minLength: schema.minItems ?? 0,
        maxLength: 4,
      })
    case 'object':
      return objectOf(schema, faultWeight)
    default:
      return anyJson
  }
}

function objectOf(schema: Schema, faultWeight: number): Arbitrary<unknown> {
  const properties = Object.entries(schema.properties ?? {})
  const model = Object.fromEntries(properties.map(([key, value]) => [key, arbitraryOf(value, key, faultWeight)]))
  const required = [...(schema.required ?? [])].filter((key) => key in model)
  const record = fc.record(model, { requiredKeys: required })
  if (typeof schema.additionalProperties !== 'object') return record
  const keys = fc.constantFrom(...'knm'.repeat(5), 'a/b', 'ü', '')
  return fc.dictionary(keys, arbitraryOf(schema.additionalProperties, '', faultWeight), { maxKeys: 3 })
}
