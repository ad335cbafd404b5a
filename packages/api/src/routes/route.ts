import type { ServerResponse } from 'node:http'
import type { ClaimList } from '@joinery/blocks'
import type { Identity, WorkspaceId } from '@joinery/server'
import { z } from 'zod'
import { ApiError, type ApiErrorCode } from '../api-error.ts'
import { jsonFault } from '../request-json.ts'
import type { Services } from './services.ts'

/** What a handler answers. `stream` takes over the response instead of a body. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly stream?: (response: ServerResponse) => Promise<void>
}

/** The parts of a request, not looked at yet. */
export interface RawRequest {
  readonly params: unknown
  readonly query: unknown
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
  /** Who calls, for one workspace. */
  identify(workspace: WorkspaceId): Promise<Identity>
  /** Counts the request against its caller's rate. */
  countAgainst(identity: Identity): void
}

/** The schema of an answer, or how it is made for a table of lists of claims. */
export type AnswerSchema = z.ZodType | ((lists: readonly ClaimList[]) => z.ZodType)

interface Answer {
  readonly description: string
  readonly schema?: AnswerSchema
  readonly headers?: readonly ('etag' | 'x-joinery-lsn')[]
  /** When it is not JSON. */
  readonly mediaType?: string
}

interface Definition<P extends z.ZodType, Q extends z.ZodType, H extends z.ZodType, B extends z.ZodType> {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  /** With parameters in braces, as OpenAPI writes them. */
  readonly path: string
  /** Unique name of the operation. */
  readonly id: string
  readonly summary: string
  readonly params: P
  readonly query: Q
  readonly headers: H
  readonly body: B
  readonly answers: Readonly<Record<number, Answer>>
  /** What can go wrong here, beside what can everywhere. */
  readonly errors: readonly ApiErrorCode[]
}

export interface Input<P, Q, H, B> {
  readonly params: P
  readonly query: Q
  readonly headers: H
  readonly body: B
  readonly request: RawRequest
  /** Of the workspace in the path. Throws for a route without one. */
  readonly identity: Identity
}

/** One route with its schemas, ready to serve and to describe. */
export interface Route extends Definition<z.ZodType, z.ZodType, z.ZodType, z.ZodType> {
  run(request: RawRequest, services: Services): Promise<Reply>
}

/** Joins a route's description to its handler: what the handler gets has passed the schemas, and so has what it answers. */
export function route<P extends z.ZodType, Q extends z.ZodType, H extends z.ZodType, B extends z.ZodType>(
  definition: Definition<P, Q, H, B>,
  handle: (input: Input<z.output<P>, z.output<Q>, z.output<H>, z.output<B>>, services: Services) => Promise<Reply>,
): Route {
  const body: z.ZodType = definition.body
  const takesNoBody = body === noBody
  return {
    ...definition,
    async run(request, services) {
      const params = parse(definition.params, request.params, 'path')
      const workspace = workspaceOf(params)
      const known = workspace === undefined ? undefined : await request.identify(workspace)
      if (known !== undefined) request.countAgainst(known)
      if (request.body === undefined && !takesNoBody) {
        throw new ApiError(
          'invalid',
          'the body is missing: send JSON, {} at least, with Content-Type: application/json',
        )
      }
      if (takesNoBody && !isEmpty(request.body)) {
        throw new ApiError('invalid', 'nothing is read from a body here: leave it out')
      }
      const fault = jsonFault(request.body)
      if (fault !== undefined) throw new ApiError('invalid', `the body ${fault}`)
      const reply = await handle(
        {
          params,
          query: parse(definition.query, request.query, 'query'),
          headers: parse(definition.headers, request.headers, 'header'),
          body: parse(definition.body, request.body, 'body'),
          request,
          get identity() {
            if (known === undefined) throw new Error(`${definition.id} has no workspace in its path`)
            return known
          },
        },
        services,
      )
      return { ...reply, body: checkAnswer(definition.answers[reply.status], reply, services.lists) }
    },
  }
}

/** What clients send that send a body with everything. */
function isEmpty(body: unknown): boolean {
  return body === undefined || body === null || JSON.stringify(body) === '{}'
}

function workspaceOf(params: unknown): WorkspaceId | undefined {
  if (typeof params !== 'object' || params === null || !('workspace' in params)) return undefined
  return params.workspace as WorkspaceId
}

/** An answer that breaks its own schema is our fault, and no client should see it. */
function checkAnswer(answer: Answer | undefined, { status, body }: Reply, lists: readonly ClaimList[]): unknown {
  if (answer === undefined) throw new Error(`answer ${status} is not described`)
  return answer.schema === undefined ? body : schemaFor(answer.schema, lists).parse(body)
}

export function schemaFor(schema: AnswerSchema, lists: readonly ClaimList[]): z.ZodType {
  return typeof schema === 'function' ? schema(lists) : schema
}

/** Of what is wrong with a request, as much as anybody reads: a megabyte can have a hundred thousand faults. */
const ISSUES_MAX = 20
const MESSAGE_CHARS_MAX = 1_000

function parse<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.slice(0, ISSUES_MAX).map(({ path, message }) => ({
    path: [where, ...path.map(String)].join('.'),
    message: message.slice(0, MESSAGE_CHARS_MAX),
  }))
  const message = issues.map((issue) => `${issue.path}: ${issue.message}`).join('; ')
  throw new ApiError('invalid', message.slice(0, MESSAGE_CHARS_MAX), { details: { issues } })
}

export const nothing = z.strictObject({})
export const anyHeaders = z.object({})
export const noBody = z.unknown()
