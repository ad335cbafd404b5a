import fc, { type Arbitrary } from 'fast-check'
import * as Y from 'yjs'
import { arbitraryOf, NAMES, type Schema } from './schema-arbitrary.ts'

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly schema: Schema
}
export interface Operation {
  readonly operationId: string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>
  >
}
export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** One request, and the name of the operation that describes its possible answers. */
export interface GeneratedRequest {
  readonly operationId: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  ...NAMES,
  at: ['0', '1', '3', '9999', '2024-01-01T00:00:00Z', '2099-01-01T00:00:00+02:00', 'soon'],
  from: ['0', '1', '2', '2024-01-01T00:00:00Z', 'x'],
  to: ['1', '2', '3', '2099-01-01T00:00:00Z', ''],
  after: ['0', '1', '5', 'a', '-1'],
  limit: ['1', '2', '1000', '1001', '0', 'all'],
  based_on: ['0', '1', '2', '5', '9999', 'x'],
  expected_version: ['1', '2', '3', '0', '"1"', '', '1e0'],
  'if-match': ['"1"', '"2"', '"3"', '*', '1', '"1", "2@7"', 'W/"1"'],
  'if-none-match': ['*', '"1"'],
  'idempotency-key': ['k1', 'k2', 'k3', 'a b'],
  'x-joinery-durability': ['async', 'async', 'sync', 'never'],
  'x-joinery-actor': ['ada', 'ben', ''],
  'x-joinery-source': ['user_action', 'workflow_execution', 'polling_sync', 'monitor'],
  'last-event-id': ['0', '1', '9999', ''],
  prefer: ['wait=0', 'wait=0.01', 'wait=x', 'respond-async', ''],
  traceparent: ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x'],
  state: ['done', 'done,failed', 'stuck', ''],
  name: ['approved', 'approved', 'x'.repeat(129)],
  since: ['AA', 'AQEB', 'AQ', '', '=='],
}

/** Bodies of a route that takes bytes: Yjs updates, some of which build on others, and bytes that are none. */
const UPDATES: readonly Uint8Array[] = [1, 2].flatMap((clientID) => {
  const doc = new Y.Doc()
  doc.clientID = clientID
  doc.getText('t').insert(0, 'first')
  const before = Y.encodeStateVector(doc)
  doc.getArray('list').push([clientID])
  const [whole, rest] = [Y.encodeStateAsUpdate(doc), Y.encodeStateAsUpdate(doc, before)]
  return [whole, rest, Y.encodeStateAsUpdateV2(doc), whole.subarray(3), new Uint8Array()]
})

/** Requests of the paths that `isMeant` takes. */
export function requestsOf(
  { paths }: Description,
  isMeant: (path: string) => boolean = () => true,
): Arbitrary<GeneratedRequest> {
  const meant = Object.entries(paths).filter(([path]) => isMeant(path))
  const requests = meant.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => requestOf(path, method.toUpperCase(), operation)),
  )
  return fc.oneof(...requests)
}

function requestOf(path: string, method: string, operation: Operation): Arbitrary<GeneratedRequest> {
  const [[mediaType, { schema }] = ['application/json', {}]] = Object.entries(operation.requestBody?.content ?? {})
  const structured = schema === undefined ? undefined : arbitraryOf(schema).map((value) => JSON.stringify(value))
  const wrong = { weight: 1, arbitrary: fc.constantFrom('', '{', '1e999') }
  const body: Arbitrary<string | Uint8Array> | undefined =
    mediaType === 'application/octet-stream'
      ? fc.constantFrom(...UPDATES)
      : structured && fc.oneof({ weight: 30, arbitrary: structured }, wrong)
  return fc
    .record({ values: valuesFor(operation.parameters), body: body ?? fc.constant(undefined) })
    .map(({ values, body: sent }) => ({
      operationId: operation.operationId,
      method,
      body: sent,
      ...placed(path, operation.parameters, values, sent === undefined ? undefined : mediaType),
    }))
}

function valuesFor(parameters: readonly Parameter[]): Arbitrary<Readonly<Record<string, string | undefined>>> {
  const model = parameters.map(({ name, in: place }) => {
    const value: Arbitrary<string | undefined> = fc.constantFrom(...(VALUES[name] ?? ['1', 'x']))
    const optional = fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })
    return [name, place === 'path' ? value : optional] as const
  })
  return fc.record(Object.fromEntries(model))
}

function placed(
  template: string,
  parameters: readonly Parameter[],
  values: Readonly<Record<string, string | undefined>>,
  mediaType: string | undefined,
) {
  let path = template
  const query = new URLSearchParams()
  const headers: Record<string, string> = mediaType === undefined ? {} : { 'content-type': mediaType }
  for (const { name, in: place } of parameters) {
    const value = values[name]
    if (value === undefined) continue
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value))
    else if (place === 'query') query.append(name, value)
    else headers[name] = value
  }
  return { path: query.size === 0 ? path : `${path}?${query}`, headers }
}
