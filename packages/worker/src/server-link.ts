import { classOfStatus, parseRetryAfter } from './failure.ts'
import { WorkerError } from './worker-error.ts'

/** A token, or a function that gives one before requests: it is asked again when the server refuses the last. */
export type TokenSource = string | (() => string | Promise<string>)

export interface ServerRequest {
  readonly method?: 'GET' | 'POST'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Time after which the server counts as silent. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Requests to one server. */
export class ServerLink {
  /** `http://host:port`, without a slash at its end. */
  readonly url: string
  readonly #source: TokenSource | undefined
  #token: string | undefined

  constructor(url: string, token: TokenSource | undefined) {
    this.url = url
    this.#source = token
    if (typeof token === 'string') this.#token = token
  }

  /** The token as it is now; undefined where there are no keys. */
  async token(): Promise<string | undefined> {
    if (typeof this.#source === 'function') this.#token ??= await this.#source()
    return this.#token
  }

  /** Asks the token function again at the next request. False if there is none. */
  dropToken(): boolean {
    if (typeof this.#source !== 'function') return false
    this.#token = undefined
    return true
  }

  /**
   * The answer's JSON; undefined if it has none. Rejects with `request_refused` for a status of 400 and more, with `unreachable`
   * when no whole answer comes, and with the signal's reason.
   */
  async ask<Answer>(
    path: string,
    { method = 'POST', body, headers, timeoutMs, signal }: ServerRequest,
  ): Promise<Answer> {
    const late = AbortSignal.timeout(timeoutMs)
    try {
      const token = await this.token()
      const answer = await fetch(`${this.url}${path}`, {
        method,
        redirect: 'error',
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      if (answer.ok) return (text === '' ? undefined : JSON.parse(text)) as Answer
      // An answer to an old token says nothing of the one that was made since.
      if (answer.status === 401 && token === this.#token) this.dropToken()
      throw refusalOf(answer, text)
    } catch (error) {
      if (error instanceof WorkerError) throw error
      if (signal?.aborted) throw signal.reason
      throw new WorkerError('unreachable', `${this.url} gave no whole answer`, { cause: error })
    }
  }

  get canAskToken(): boolean {
    return typeof this.#source === 'function'
  }
}

function refusalOf({ status, headers }: Response, text: string): WorkerError {
  const { code, message } = errorIn(text)
  const after = headers.get('retry-after')
  return new WorkerError('request_refused', message ?? `the server answered ${status}: ${text.slice(0, 200)}`, {
    status,
    refusal: code,
    retryAfterMs: after === null ? undefined : parseRetryAfter(after, Date.now()),
  })
}

function errorIn(text: string): { readonly code?: string; readonly message?: string } {
  try {
    return (JSON.parse(text) as { error?: { code?: string; message?: string } }).error ?? {}
  } catch {
    // A proxy answers what it likes; the status tells.
    return {}
  }
}

/** Whether the same request may be answered otherwise later. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof WorkerError)) return false
  if (error.code === 'unreachable') return true
  if (error.code !== 'request_refused' || error.status === undefined || error.status === 409) return false
  return classOfStatus(error.status) !== 'permanent'
}
