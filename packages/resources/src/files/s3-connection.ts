import { AwsV4Signer } from 'aws4fetch'
import { isPage, s3ErrorOf, unavailable } from './s3-error.ts'
import { isDocument, isWhole, textOf } from './s3-xml.ts'
import { patiently } from './store-patience.ts'

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
  /** Parts in one list. S3 gives at most 1,000, and so many by default. */
  readonly pageParts?: number
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
/** A refusal without a body, as that of HEAD, is one of the clock if the clocks differ by more than this, ms. */
const SKEW_MS = 60_000

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
   * Sends a request, a few times where the store asks for patience. Rejects with `store_unavailable` when no answer of a store comes,
   * or none but those, and with the error that the store names. `expects` are statuses that resolve all the same.
   */
  send(request: S3Request): Promise<Response> {
    return patiently(() => this.#send(request))
  }

  /** Sends a request whose answer is an XML document of this name. A store may ask for patience in the document of a 200, too. */
  ask(request: Omit<S3Request, 'expects'>, element: string): Promise<string> {
    return patiently(async () => this.#documentOf(await this.#send(request), element))
  }

  /** As {@link ask}; resolves with undefined for the statuses of `expects`. */
  askUnless(request: S3Request & Required<Pick<S3Request, 'expects'>>, element: string): Promise<string | undefined> {
    return patiently(async () => {
      const answer = await this.#send(request)
      if (!request.expects.includes(answer.status)) return this.#documentOf(answer, element)
      await answer.body?.cancel()
      return undefined
    })
  }

  async #send(request: S3Request): Promise<Response> {
    const answer = await this.#sendOnce(request)
    if (isTaken(answer, request)) return answer
    const text = await textIn(answer)
    const refusal = s3ErrorOf(answer, text)
    if (!this.#isOfClock(answer, text) || !this.#takeClock(answer)) throw refusal
    const again = await this.#sendOnce(request)
    if (isTaken(again, request)) return again
    throw s3ErrorOf(again, await textIn(again))
  }

  /** The XML document of an answer. Some stores answer 200 and an error in the document, and some proxies answer for a store. */
  async #documentOf(answer: Response, element: string): Promise<string> {
    const text = await textIn(answer)
    if (isDocument(text, 'Error')) throw s3ErrorOf(answer, text)
    if (!isDocument(text, element)) {
      const message = `the answer is no ${element} but ${JSON.stringify(text.slice(0, 80))}: something between the server and the store has answered`
      throw unavailable(message)
    }
    if (!isWhole(text, element)) throw unavailable(`the answer of the store ended too early: ${element} has no end`)
    return text
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
    // The bytes of a large file may take longer than this, and a connection that falls silent is ended by itself.
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new Error(`no answer within ${ANSWER_MS / 1_000} s`)), ANSWER_MS)
    try {
      return await fetch(url, {
        method,
        headers,
        // A signature is for one host: a redirect is told, and not followed.
        redirect: 'manual',
        signal: late.signal,
        ...(body !== undefined && { body }),
      })
    } catch (cause) {
      throw unavailable(`the store at ${url.host} does not answer`, { cause })
    } finally {
      clearTimeout(timer)
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

  /** Whether the store refuses because of the time that was sent. The answer to HEAD has no words. */
  #isOfClock(answer: Response, text: string): boolean {
    if (SKEW_CODES.has(textOf(text, 'Code'))) return true
    const differs = Math.abs(Date.parse(answer.headers.get('date') ?? '') - this.#now() - this.#skewMs)
    return answer.status === 403 && text === '' && differs > SKEW_MS
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

/** Whether the caller takes the answer. A page is an answer of a proxy, or of a portal that wants a login, whatever its status. */
function isTaken(answer: Response, { method, expects }: S3Request): boolean {
  const { status, headers } = answer
  if (status >= 300 && !expects?.includes(status)) return false
  const isEmpty = method === 'HEAD' || status === 204 || headers.get('content-length') === '0'
  return isEmpty || !isPage(headers)
}
