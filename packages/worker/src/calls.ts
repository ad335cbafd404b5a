import { parseRetryAfter } from './failure.ts'
import { WorkerError } from './worker-error.ts'

/** Bytes of an answer that are read: a result of a step may have less. */
const ANSWER_BYTES_MAX = 1024 * 1024
/** Characters of an answer that an error message repeats. */
const QUOTED_MAX = 200

export interface CallOptions {
  /** Header `Idempotency-Key`: the key of the step by default. */
  readonly key?: string
  /** JSON; a text or bytes are sent as they are. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** The answer of a service: `body` is its JSON, or its text. */
export interface CallAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: the service decides what it answers
  readonly body: any
}

/**
 * HTTP calls of a step. A status of 300 and more rejects with `http_status`, a broken connection with `unreachable`: thrown out of the
 * step, either says whether the attempt is made again.
 */
export interface Calls {
  get(url: string, options?: CallOptions): Promise<CallAnswer>
  post(url: string, options?: CallOptions): Promise<CallAnswer>
  put(url: string, options?: CallOptions): Promise<CallAnswer>
  patch(url: string, options?: CallOptions): Promise<CallAnswer>
  delete(url: string, options?: CallOptions): Promise<CallAnswer>
}

export interface CallDefaults {
  readonly key: string
  readonly signal: AbortSignal
  readonly traceparent: string | undefined
}

export function createCalls(defaults: CallDefaults): Calls {
  const by =
    (method: string) =>
    (url: string, options: CallOptions = {}): Promise<CallAnswer> =>
      call(method, url, options, defaults)
  return { get: by('GET'), post: by('POST'), put: by('PUT'), patch: by('PATCH'), delete: by('DELETE') }
}

async function call(
  method: string,
  url: string,
  { key, body, headers }: CallOptions,
  { signal, traceparent, key: stepKey }: CallDefaults,
): Promise<CallAnswer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  try {
    const answer = await fetch(url, {
      method,
      signal,
      headers: {
        ...(method !== 'GET' && { 'idempotency-key': key ?? stepKey }),
        ...(traceparent !== undefined && { traceparent }),
        ...(body !== undefined && !isRaw && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: isRaw ? (body as BodyInit) : JSON.stringify(body) }),
    })
    const text = await readText(answer)
    if (answer.status < 300) return { status: answer.status, body: parse(text) }
    const after = answer.headers.get('retry-after')
    throw new WorkerError('http_status', `${method} ${url} answered ${answer.status}: ${text.slice(0, QUOTED_MAX)}`, {
      status: answer.status,
      retryAfterMs: after === null ? undefined : parseRetryAfter(after, Date.now()),
    })
  } catch (error) {
    if (error instanceof WorkerError || signal.aborted) throw error
    throw new WorkerError('unreachable', `${method} ${url} got no whole answer`, { cause: error })
  }
}

async function readText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > ANSWER_BYTES_MAX) {
      throw new WorkerError('http_status', `${answer.url} answered more than ${ANSWER_BYTES_MAX} bytes`, {
        status: 413,
      })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parse(text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
