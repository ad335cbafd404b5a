import { throwIfAborted } from './abort.ts'
import { ClientError, type Refusal } from './client-error.ts'
import type { ReplicaTarget } from './replica.ts'

/** Options of every request for history. */
export interface HistoryRequest {
  /** Ends the request: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

export interface Question extends HistoryRequest {
  /** Rest of the URL's path after the workspace. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  /** Sent as JSON, by POST. */
  readonly body?: unknown
  readonly key?: string
  readonly method?: 'DELETE'
  /** Token of the lease that the request is about. */
  readonly lease?: string
  /** The state that the caller has, by its LSN, and how long the server may wait for another one. */
  readonly newer?: { readonly than: number; readonly waitSeconds: number }
}

/** The answer to a question for a newer state when there is none. */
export const UNCHANGED = Symbol('unchanged')

/**
 * Sends a request to the HTTP API of the server that `target` names, with the identity of the workspace's socket. Rejects with
 * `unreachable` when no answer came, with `request_refused` when the answer is a refusal, and with the signal's reason.
 */
export async function askServer<T>(target: ReplicaTarget, question: Question): Promise<T> {
  const answer = await askForNewer<T>(target, question)
  if (answer === UNCHANGED) throw refusedWith(304, undefined)
  return answer
}

/** Sends a question with `newer`, as {@link askServer} does. Resolves with {@link UNCHANGED} when the caller has the newest state. */
export async function askForNewer<T>(target: ReplicaTarget, question: Question): Promise<T | typeof UNCHANGED> {
  const { signal, body, key, lease, newer } = question
  const hasBody = body !== undefined
  const headers: Record<string, string> = {
    ...(await headersOf(target)),
    ...(hasBody && { 'content-type': 'application/json' }),
    ...(key !== undefined && { 'idempotency-key': key }),
    ...(lease !== undefined && { 'x-joinery-lease': lease }),
    ...(newer !== undefined && { 'if-none-match': `"${newer.than}"`, prefer: `wait=${newer.waitSeconds}` }),
  }
  const method = question.method ?? (hasBody ? 'POST' : 'GET')
  const init = { headers, method, ...(signal && { signal }), ...(hasBody && { body: JSON.stringify(body) }) }
  let response: Response
  let answer: unknown
  try {
    response = await fetch(urlOf(target, question), init)
    answer = parseJson(await response.text())
  } catch (cause) {
    throwIfAborted(signal)
    throw new ClientError('unreachable', 'the server did not answer: this needs a connection', { cause })
  }
  if (response.status === 304) return UNCHANGED
  if (response.ok && (answer !== undefined || response.status === 204)) return answer as T
  throw refusedWith(response.status, answer)
}

function urlOf({ url, workspace }: ReplicaTarget, { path, query = {} }: Question): string {
  const asked = Object.entries(query).filter(([, value]) => value !== undefined)
  const search = new URLSearchParams(asked.map(([name, value]) => [name, String(value)]))
  const base = `${url.replace(/^ws/, 'http')}/v1/workspaces/${encodeURIComponent(workspace)}${path}`
  return asked.length === 0 ? base : `${base}?${search}`
}

async function headersOf({ token, actor, source }: ReplicaTarget): Promise<Record<string, string>> {
  let bearer: string | undefined
  try {
    bearer = await token()
  } catch (cause) {
    throw new ClientError('unreachable', `the token function failed: ${cause}`, { cause })
  }
  return {
    ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    // A header takes Latin letters only, so that other names are left out. With a token, the token names the actor anyway.
    ...(actor !== undefined && /^[\x20-\x7e\xa0-\xff]+$/.test(actor) && { 'x-joinery-actor': actor }),
    ...(source !== undefined && { 'x-joinery-source': source }),
  }
}

/** Undefined for a text that is no JSON: most often the error page of a proxy. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refusedWith(status: number, answer: unknown): ClientError {
  const { error } = (answer ?? {}) as { error?: { code?: unknown; message?: unknown; details?: unknown } }
  if (typeof error?.code !== 'string') {
    const message = `the answer (status ${status}) is not from a Joinery server: check the URL`
    return new ClientError('request_refused', message, { refusal: { status, code: 'none', details: undefined } })
  }
  const refusal: Refusal = { status, code: error.code, details: error.details }
  return new ClientError('request_refused', String(error.message ?? error.code), { refusal })
}

/** A new idempotency key. Not `crypto.randomUUID`: a page that was loaded without TLS does not have it. */
export function randomKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-')
}
