import { ClientError, type Refusal } from './client-error.ts'
import type { ReplicaTarget } from './replica.ts'

/** What every request of a history takes. */
export interface HistoryRequest {
  /** Ends it: what was asked for rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

export interface Question extends HistoryRequest {
  /** What follows the workspace in the path. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  /** Sent as JSON, by POST. */
  readonly body?: unknown
  readonly key?: string
}

/**
 * Asks the HTTP face of the server that `target` names, as whom the socket speaks. Rejects with `unreachable` when nothing
 * came back, with `request_refused` when what came back is a refusal, with the signal's reason when that aborted.
 */
export async function askServer<T>(target: ReplicaTarget, question: Question): Promise<T> {
  const { signal, body, key } = question
  const hasBody = body !== undefined
  const headers: Record<string, string> = {
    ...(await headersOf(target)),
    ...(hasBody && { 'content-type': 'application/json' }),
    ...(key !== undefined && { 'idempotency-key': key }),
  }
  const init = { headers, ...(signal && { signal }), ...(hasBody && { method: 'POST', body: JSON.stringify(body) }) }
  let response: Response
  let answer: unknown
  try {
    response = await fetch(urlOf(target, question), init)
    answer = parseJson(await response.text())
  } catch (cause) {
    signal?.throwIfAborted()
    throw new ClientError('unreachable', 'the server can’t be reached: history needs a connection', { cause })
  }
  if (response.ok && answer !== undefined) return answer as T
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
    throw new ClientError('unreachable', `no token could be had: ${cause}`, { cause })
  }
  return {
    ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    // A header takes Latin letters only. Who has a token is named by that anyway; without keys such a name is left out.
    ...(actor !== undefined && /^[\x20-\x7e\xa0-\xff]+$/.test(actor) && { 'x-joinery-actor': actor }),
    ...(source !== undefined && { 'x-joinery-source': source }),
  }
}

/** Undefined for what is no JSON: a proxy's page, most often. */
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
    const message = `what answered with ${status} is no history of a Joinery server`
    return new ClientError('request_refused', message, { refusal: { status, code: 'none', details: undefined } })
  }
  const refusal: Refusal = { status, code: error.code, details: error.details }
  return new ClientError('request_refused', String(error.message ?? error.code), { refusal })
}
