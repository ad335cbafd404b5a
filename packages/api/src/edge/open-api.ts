import type { ClaimList } from '@joinery/blocks'
import { z } from 'zod'
import { type ApiErrorCode, ERROR_STATUS } from '../api-error.ts'
import { type AnswerHeader, noBody, type Route, schemaFor, updateBody } from '../routes/route.ts'
import { errorSchema } from '../schemas.ts'
import { UPDATE_TYPE } from '../update-bytes.ts'
import { BODY_TYPES } from './json-body.ts'

type JsonObject = Record<string, unknown>

/** The parts of a JSON Schema that this package reads. */
export interface SchemaDescription extends JsonObject {
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly properties?: Readonly<Record<string, SchemaDescription>>
  readonly required?: readonly string[]
}
export interface ParameterDescription {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: SchemaDescription
}
type Content = Readonly<Record<string, { readonly schema?: SchemaDescription }>>
export interface OperationDescription {
  readonly operationId: string
  readonly summary: string
  readonly parameters: readonly ParameterDescription[]
  readonly requestBody?: { readonly required: true; readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>
}
/** An OpenAPI 3.1 document: operations by path and lower-case method. */
export interface ApiDescription extends JsonObject {
  readonly info: { readonly version: string } & JsonObject
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationDescription>>>>
}

/** Errors that any route may answer. */
export const ERRORS_EVERYWHERE: readonly ApiErrorCode[] = [
  'malformed',
  'invalid',
  'unauthorized',
  'forbidden',
  'forbidden_origin',
  'workspace_deleted',
  'too_many_requests',
  'internal',
  'unavailable',
  'quarantined',
]
const WRITING: readonly ApiErrorCode[] = [
  'read_only',
  'too_large',
  'unsupported_media_type',
  'not_durable_yet',
  'storage_failed',
  'storage_full',
]
const HEADERS: Record<AnswerHeader, JsonObject> = {
  etag: { description: 'the version of what is answered, in quotes', schema: { type: 'string' } },
  location: { description: 'the path of the task', schema: { type: 'string' } },
  'retry-after': { description: 'seconds after which it is worth asking again', schema: { type: 'string' } },
  'preference-applied': { description: 'the preference of `Prefer` that was followed', schema: { type: 'string' } },
  'x-joinery-lsn': {
    description: 'LSN of the write; the last LSN of the log when the write changed nothing',
    schema: { type: 'string' },
  },
}

/** Makes the OpenAPI 3.1 document of the routes from the schemas that check requests and answers. */
export function describeRoutes(routes: readonly Route[], version: string, lists: readonly ClaimList[]): ApiDescription {
  const paths: Record<string, Record<string, OperationDescription>> = {}
  for (const route of routes) {
    const path = paths[route.path] ?? {}
    path[route.method.toLowerCase()] = describeRoute(route, lists)
    paths[route.path] = path
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Joinery',
      version,
      description:
        'Read and write the blocks of a workspace over plain HTTP. A workspace name stands in a path as one segment, with "/" as "%2F". Errors are `{ error: { code, message } }`. HEAD works wherever GET does, except for the stream of events.',
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, {}],
    paths,
    components: {
      schemas: { Error: schemaOf(errorSchema, 'output') },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  }
}

function describeRoute(route: Route, lists: readonly ClaimList[]): OperationDescription {
  const { method, id, summary, body, answers, errors } = route
  const hasBody = body !== noBody
  const identityHeaders = z.object({
    'x-joinery-actor': z
      .string()
      .optional()
      .meta({ description: 'name of the writer, percent-encoded; only used by a server without keys' }),
    'x-joinery-source': z.string().optional().meta({ description: 'class of the writer: one that the token allows' }),
  })
  const codes = [...ERRORS_EVERYWHERE, ...(method === 'GET' ? [] : WRITING), ...errorsOfLease(route), ...errors]
  return {
    operationId: id,
    summary,
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...parameters(route.headers, 'header'),
      ...parameters(identityHeaders, 'header'),
    ],
    ...(hasBody && {
      requestBody: { required: true, content: bodyContent(body, method) },
    }),
    responses: { ...answersOf(answers, lists), ...errorsOf(codes) },
  }
}

function errorsOfLease({ headers }: Route): readonly ApiErrorCode[] {
  return parameters(headers, 'header').some(({ name }) => name === 'x-joinery-lease') ? ['lease_lost'] : []
}

function bodyContent(body: z.ZodType, method: string): Content {
  // Bytes have no schema in OpenAPI 3.1: their media type says it all.
  return body === updateBody ? { [UPDATE_TYPE]: {} } : contentOf(schemaOf(body, 'input'), mediaTypesOf(method))
}

function mediaTypesOf(method: string): readonly string[] {
  return method === 'PATCH' ? BODY_TYPES : ['application/json']
}

function answersOf(answers: Route['answers'], lists: readonly ClaimList[]): OperationDescription['responses'] {
  const described = Object.entries(answers).map(([status, { description, schema, headers = [], mediaType }]) => {
    const content = schema
      ? contentOf(schemaOf(schemaFor(schema, lists), 'output'), ['application/json'])
      : mediaType && { [mediaType]: {} }
    const named = Object.fromEntries(headers.map((name) => [name, HEADERS[name]]))
    return [status, { description, ...(headers.length > 0 && { headers: named }), ...(content && { content }) }]
  })
  return Object.fromEntries(described)
}

function errorsOf(codes: readonly ApiErrorCode[]): OperationDescription['responses'] {
  const byStatus = new Map<number, ApiErrorCode[]>()
  for (const code of new Set(codes))
    byStatus.set(ERROR_STATUS[code], [...(byStatus.get(ERROR_STATUS[code]) ?? []), code])
  const content = contentOf({ $ref: '#/components/schemas/Error' }, ['application/json'])
  const entries = [...byStatus].sort(([a], [b]) => a - b)
  return Object.fromEntries(entries.map(([status, names]) => [status, { description: names.join(', '), content }]))
}

function contentOf(schema: SchemaDescription, mediaTypes: readonly string[]): Content {
  return Object.fromEntries(mediaTypes.map((type) => [type, { schema }]))
}

function parameters(schema: z.ZodType, place: ParameterDescription['in']): ParameterDescription[] {
  const { properties = {}, required = [] } = schemaOf(schema, 'input')
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(property.description !== undefined && { description: property.description }),
    schema: property,
  }))
}

/** A schema that stands alone: parts that are used twice are written out, so that it holds no references. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): SchemaDescription {
  const {
    $schema: _dialect,
    id: _id,
    ...rest
  } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', reused: 'inline', metadata: UNNAMED })
  return rest as SchemaDescription
}

/** The descriptions and examples of a schema, without ids: an id would move the schema under `$defs`. */
const UNNAMED = {
  get: (schema: z.ZodType) => {
    const { id: _id, ...meta } = z.globalRegistry.get(schema) ?? {}
    return meta
  },
  has: (schema: z.ZodType) => z.globalRegistry.has(schema),
} as unknown as typeof z.globalRegistry
