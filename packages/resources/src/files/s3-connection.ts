import { AwsV4Signer } from 'aws4fetch'
import { FileError } from './file-error.ts'
import { isDocument, textOf } from './s3-xml.ts'

export interface S3Options {
  /** `https://s3.eu-central-1.amazonaws.com`, `http://127.0.0.1:9000`. */
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  /** Begins the keys of all objects, so that several servers can share a bucket: `joinery/`. Empty by default. */
  readonly prefix?: string
  /** True where the bucket stands in the path, and not in the name of the host. */
  readonly isPathStyle: boolean
  /** Reads the keys at each use, since they may change. */
  readonly keys: () => Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string }>
  readonly ticketMs: number
  /** The time, ms since epoch. */
  readonly now?: () => number
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** Key of the object; undefined for the bucket. */
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Statuses of errors that the caller answers itself. */
  readonly expects?: readonly number[]
}

/** Time that a store has for an answer's headers, ms. Joining 10,000 parts takes minutes. */
const ANSWER_MS = 300_000
/** Codes of a store whose clock differs too much from ours: its own time is taken then. */
const SKEW_CODES: ReadonlySet<unknown> = new Set(['RequestTimeTooSkewed', 'RequestExpired'])

/** Signed requests to one bucket. */
export class S3Connection {
  readonly #options: S3Options
  /** The store's clock minus ours, ms. */
  #skewMs = 0

  constructor(options: S3Options) {
    this.#options = options
  }

  /** Origin of the bucket's URLs. */
  get origin(): string {
    return this.#urlOf(undefined).origin
  }

  /**
   * Sends a request. Rejects with `store_unavailable` when no answer of a store comes, or one that asks for patience, and with the
   * error that the store names. `expects` are statuses that resolve all the same.
   */
  async send(request: S3Request): Promise<Response> {
    const answer = await this.#sendOnce(request)
    if (answer.status < 300 || request.expects?.includes(answer.status)) return answer
    const text = await textIn(answer)
    const refusal = errorOf(answer, text)
    if (!SKEW_CODES.has(textOf(text, 'Code')) || !this.#takeClock(answer)) throw refusal
    const again = await this.#sendOnce(request)
    if (again.status < 300 || request.expects?.includes(again.status)) return again
    throw errorOf(again, await textIn(again))
  }

  /** Sends a request whose answer is an XML document of this name. */
  async ask(request: S3Request, element: string): Promise<string> {
    return this.documentOf(await this.send(request), element)
  }

  /** The XML document of an answer. Some stores answer 200 and an error in the document, and some proxies answer for a store. */
  async documentOf(answer: Response, element: string): Promise<string> {
    const text = await textIn(answer)
    if (isDocument(text, element)) return text
    if (isDocument(text, 'Error')) throw errorOf(answer, text)
    const message = `the answer is no ${element} but ${JSON.stringify(text.slice(0, 80))}: something between the server and the store has answered`
    throw new FileError('store_unavailable', message)
  }

  /** A URL that lets its bearer make one request until `ticketMs` are over. `headers` have to be sent as they are. */
  async presign(request: S3Request): Promise<{ url: string; expiresAtMs: number }> {
    const { ticketMs } = this.#options
    const url = this.#urlOf(request)
    url.searchParams.set('X-Amz-Expires', String(Math.ceil(ticketMs / 1_000)))
    const signed = await this.#signer(url, request, { signQuery: true, allHeaders: true })
    return { url: (await signed.sign()).url.href, expiresAtMs: this.#now() + ticketMs }
  }

  /** `/bucket/key`, as a copy names its source. */
  sourceOf(key: string): string {
    const { bucket, prefix = '' } = this.#options
    return `/${bucket}/${prefix}${key}`
  }

  /** The key of an object in the bucket: `prefix` stands before the key that this package knows. */
  fullKey(key: string): string {
    return `${this.#options.prefix ?? ''}${key}`
  }

  /** The key that this package knows an object by. */
  keyOf(fullKey: string): string {
    return fullKey.slice((this.#options.prefix ?? '').length)
  }

  async #sendOnce(request: S3Request): Promise<Response> {
    const signer = await this.#signer(this.#urlOf(request), request)
    const { url, headers } = await signer.sign()
    const { method, body } = request
    try {
      return await fetch(url, {
        method,
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_MS),
        ...(body !== undefined && { body }),
      })
    } catch (cause) {
      throw unavailable(`the store at ${url.host} does not answer`, { cause })
    }
  }

  async #signer(url: URL, { method, headers, body }: S3Request, how: object = {}): Promise<AwsV4Signer> {
    const { region, keys } = this.#options
    return new AwsV4Signer({
      ...(await keys()),
      service: 's3',
      region,
      url: url.href,
      method,
      headers: { ...headers },
      datetime: new Date(this.#now() + this.#skewMs).toISOString().replace(/[:-]|\.\d{3}/g, ''),
      ...(body !== undefined && { body }),
      ...how,
    })
  }

  #urlOf(request: Pick<S3Request, 'key' | 'query'> | undefined): URL {
    const { endpoint, bucket, isPathStyle } = this.#options
    const url = new URL(endpoint)
    if (!isPathStyle) url.host = `${bucket}.${url.host}`
    const path = request?.key === undefined ? '' : `/${this.fullKey(request.key)}`
    const base = url.pathname.replace(/\/$/, '')
    url.pathname = isPathStyle ? `${base}/${bucket}${path}` : `${base}${path}`
    for (const [name, value] of Object.entries(request?.query ?? {})) url.searchParams.set(name, value)
    return url
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }

  /** Takes the time of the store, which the answer tells. False if it tells none, or tells the time that was sent. */
  #takeClock(answer: Response): boolean {
    const at = Date.parse(answer.headers.get('date') ?? '')
    if (Number.isNaN(at)) return false
    const before = this.#skewMs
    this.#skewMs = at - this.#now()
    return Math.abs(this.#skewMs - before) > 1_000
  }
}

async function textIn(answer: Response): Promise<string> {
  try {
    return await answer.text()
  } catch (cause) {
    throw unavailable('the answer of the store ended too early', { cause })
  }
}

function unavailable(message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}): FileError {
  return new FileError('store_unavailable', message, options)
}

const UPLOAD_GONE: ReadonlySet<unknown> = new Set(['NoSuchUpload'])
const PART_GONE: ReadonlySet<unknown> = new Set(['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'])
const PATIENCE: ReadonlySet<unknown> = new Set([
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'OperationAborted',
  'ConditionalRequestConflict',
])

/** The error of an answer. One that is no store's, such as the page of a proxy, is told by its status. */
function errorOf(answer: Response, text: string): FileError {
  const { status, headers } = answer
  const code = textOf(text, 'Code')
  const said = `${code ?? status}${code === undefined ? '' : `: ${textOf(text, 'Message') ?? ''}`}`.slice(0, 300)
  if (UPLOAD_GONE.has(code)) return new FileError('unknown_upload', `the store does not have the upload (${said})`)
  if (PART_GONE.has(code)) {
    return new FileError('upload_incomplete', `the store can't join the parts (${said}): upload the missing ones again`)
  }
  if (PATIENCE.has(code) || status === 429 || status === 408 || status >= 500) {
    const seconds = Number(headers.get('retry-after') ?? Number.NaN)
    const isSlow = code === 'SlowDown' || status === 429 || status === 503
    return new FileError('store_unavailable', `the store asks to be asked later (${said})`, {
      class: isSlow ? 'throttled' : 'transient',
      retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
    })
  }
  const isStore = code !== undefined || text === ''
  const why = isStore
    ? `the store refuses the request (${said}): check the bucket, the keys and their rights`
    : `${answer.url.split('?', 1)[0]} answers ${status} and no answer of a store: check the endpoint, and what stands before it`
  return new FileError('store_refused', why, { details: { status, ...(code !== undefined && { code }) } })
}
