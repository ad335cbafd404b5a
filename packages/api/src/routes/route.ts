import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClaimList } from '@joinery/blocks'
import type { Identity, WorkspaceId } from '@joinery/server'
import { z } from 'zod'
import { ApiError, type ApiErrorCode } from '../api-error.ts'
import type { ApiLimits } from '../api-limits.ts'
import { inTurns } from '../history/paced.ts'
import { findJsonFault } from '../request-json.ts'
import type { RequestWork } from '../request-work.ts'
import type { Services } from './services.ts'

/** The answer of a handler. With `stream`, the answer has no body, and the function writes the response. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly stream?: (response: ServerResponse) => Promise<void>
}

/** The parts of a request, before any check. */
export interface RawRequest {
  readonly params: unknown
  readonly query: unknown
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
  /** The request itself, for what passes it on. */
  readonly message: IncomingMessage
  /** Identifies the caller for one workspace, or for none. */
  identify(workspace: WorkspaceId | undefined): Promise<Identity>
  /** Runs `work` with a signal that aborts when the caller's connection ends before. */
  untilGone<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** Counts the request against the rate of its caller. Throws `too_many_requests`. */
  countAgainst(identity: Identity): void
  /** The work of this request, for which its caller pays. */
  workFor(identity: Identity, workspace: WorkspaceId | undefined): RequestWork
}

/** The schema of an answer, or the function that makes it for the lists of claims. */
export type AnswerSchema = z.ZodType | ((lists: readonly ClaimList[]) => z.ZodType)

/** A header of an answer that the description names. */
export type AnswerHeader = 'etag' | 'x-joinery-lsn' | 'location' | 'retry-after' | 'preference-applied'

interface Answer {
  readonly description: string
  readonly schema?: AnswerSchema
  readonly headers?: readonly AnswerHeader[]
  /** Media type of an answer that is not JSON. */
  readonly mediaType?: string
}

interface Definition<P extends z.ZodType, Q extends z.ZodType, H extends z.ZodType, B extends z.ZodType> {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  /** Path with its parameters in braces, as OpenAPI writes them. */
  readonly path: string
  /** Name of the operation, unique in the API. */
  readonly id: string
  readonly summary: string
  readonly params: P
  readonly query: Q
  readonly headers: H
  readonly body: B
  /** Throws for a body, as it was sent, that is too large for its schema to be looked at in one turn. */
  readonly assertSize?: (body: unknown, limits: ApiLimits) => void
  readonly answers: Readonly<Record<number, Answer>>
  /** Errors of this route, besides those that every route may answer. */
  readonly errors: readonly ApiErrorCode[]
  /** Whether only a caller with the rights of an operator may call it. */
  readonly isForOperators?: boolean
}

export interface Input<P, Q, H, B> {
  readonly params: P
  readonly query: Q
  readonly headers: H
  readonly body: B
  readonly request: RawRequest
  /** The caller, identified for the workspace in the path if there is one. */
  readonly identity: Identity
  /** The work that the request makes. */
  readonly work: RequestWork
}

/** One route with its schemas, to be served and described. With {@link updateBody} it takes bytes instead of JSON. */
export interface Route extends Definition<z.ZodType, z.ZodType, z.ZodType, z.ZodType> {
  /**
   * Checks the path and identifies the caller, before the body is read. A caller over budget waits here. Throws as {@link run}.
   */
  admit(request: RawRequest): Promise<Identity>
  run(request: RawRequest, services: Services): Promise<Reply>
}

/** Joins the description of a route to its handler. The schemas check the input of the handler and its answer. */
export function route<P extends z.ZodType, Q extends z.ZodType, H extends z.ZodType, B extends z.ZodType>(
  definition: Definition<P, Q, H, B>,
  handle: (input: Input<z.output<P>, z.output<Q>, z.output<H>, z.output<B>>, services: Services) => Promise<Reply>,
): Route {
  const body: z.ZodType = definition.body
  const takesNoBody = body === noBody
  const takesBytes = body === updateBody
  return {
    ...definition,
    async admit(request) {
      const caller = await callerOf(definition, parse(definition.params, request.params, 'path'), request)
      await caller.work.rest()
      return caller.identity
    },
    async run(request, services) {
      const params = parse(definition.params, request.params, 'path')
      const { identity, work } = await callerOf(definition, params, request)
      request.countAgainst(identity)
      if (request.body === undefined && !takesNoBody) {
        throw new ApiError(
          'invalid',
          takesBytes
            ? 'the body is missing: send a Yjs V1 update with Content-Type: application/octet-stream'
            : 'the body is missing: send JSON, at least {}, with Content-Type: application/json',
        )
      }
      if (takesNoBody && !isEmpty(request.body)) {
        throw new ApiError('invalid', 'this request has a body, which would be ignored: leave it out')
      }
      // To parse a large body has taken a long turn of its own.
      await work.breathe()
      const fault = takesBytes ? undefined : await inTurns(findJsonFault(request.body), work)
      if (fault !== undefined) throw new ApiError('invalid', `the body ${fault}`)
      await work.breathe()
      const read = work.part(() => {
        definition.assertSize?.(request.body, services.limits)
        return {
          query: parse(definition.query, request.query, 'query'),
          headers: parse(definition.headers, request.headers, 'header'),
          body: parse(definition.body, request.body, 'body'),
        }
      })
      await work.breathe()
      // The body may have taken minutes, and the wait for a turn seconds.
      work.assertStands()
      const reply = await handle({ params, ...read, request, identity, work }, services)
      if (definition.method === 'GET') work.assertStands()
      const body = work.part(() => checkAnswer(definition.answers[reply.status], reply, services.lists))
      return { ...reply, body }
    },
  }
}

/** The caller of a route, and the work that its request makes. */
interface Caller {
  readonly identity: Identity
  readonly work: RequestWork
}

async function callerOf(
  { isForOperators }: { readonly isForOperators?: boolean },
  params: unknown,
  request: RawRequest,
): Promise<Caller> {
  const workspace = workspaceOf(params)
  const identity = await request.identify(workspace)
  if (isForOperators && !identity.isAuthenticated) {
    const message = 'this server has no keys, so nobody has a token or the rights of an operator: configure keys'
    throw new ApiError('no_tokens', message)
  }
  if (isForOperators && !identity.isOperator)
    throw new ApiError('forbidden', 'this is for operators: send a token with "operator": true')
  return { identity, work: request.workFor(identity, workspace) }
}

/** True for the bodies of clients that send one with every request. */
function isEmpty(body: unknown): boolean {
  return body === undefined || body === null || JSON.stringify(body) === '{}'
}

function workspaceOf(params: unknown): WorkspaceId | undefined {
  if (typeof params !== 'object' || params === null || !('workspace' in params)) return undefined
  return params.workspace as WorkspaceId
}

/** Checks an answer against its schema. An answer that breaks it is a fault of ours, and no client should see it. */
function checkAnswer(answer: Answer | undefined, { status, body }: Reply, lists: readonly ClaimList[]): unknown {
  if (answer === undefined) throw new Error(`the route does not describe its answer ${status}`)
  return answer.schema === undefined ? body : schemaFor(answer.schema, lists).parse(body)
}

export function schemaFor(schema: AnswerSchema, lists: readonly ClaimList[]): z.ZodType {
  return typeof schema === 'function' ? schema(lists) : schema
}

/** Faults of a request that the answer names, as many as a person reads: a megabyte may have a hundred thousand. */
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

/** The body of a route that takes bytes. */
export const updateBody = z.instanceof(Uint8Array)
export const nothing = z.strictObject({})
export const anyHeaders = z.object({})
export const noBody = z.unknown()
