import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { ResourceError } from '../resource-error.ts'
import { AllowList } from './allow-list.ts'
import { EgressError, type RefusedWhy } from './egress-error.ts'
import { checkHeaders } from './headers.ts'
import { connectThrough, proxyOf } from './proxy.ts'

/** Bounds of one call, each with its unit. */
export const EGRESS_LIMITS = {
  connectMs: 5_000,
  /** From the call to the last byte of the answer. */
  wholeMs: 15_000,
  /** Bytes of the answer that are read; the rest is left. */
  answerBytesMax: 64 * 1024,
} as const

export type EgressLimits = { readonly [K in keyof typeof EGRESS_LIMITS]: number }

/** Finds the addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>

export interface EgressOptions {
  /** Exceptions from the rules: see {@link AllowList}. */
  readonly allow?: string
  /** Ports besides 443 that any URL may have. */
  readonly ports?: readonly number[]
  /** Address of a proxy that makes all connections, and looks up all names: `http://host:port`. */
  readonly proxy?: string
  /** The system's resolver by default. */
  readonly resolve?: Resolve
  readonly limits?: Partial<EgressLimits>
}

export interface EgressRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal?: AbortSignal
}

export interface EgressAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** The first bytes of the body, as many as the limit allows. */
  readonly body: Buffer
  readonly isCut: boolean
}

const resolveBySystem: Resolve = (host) =>
  new Promise((resolve, reject) => {
    systemLookup(host, { all: true, verbatim: true }, (error, found) => (error ? reject(error) : resolve(found)))
  })

/**
 * Calls URLs that a person has given, and never a service of the own network. The addresses of a name are looked up once, all of them
 * are checked, and the connection goes to one of these. Redirects are answers like others, and cookies are not used. A proxy is used
 * only if it is given.
 */
export class Egress {
  /** Numbers of refused URLs since the start, by the rule that they broke. */
  readonly refused = new Map<RefusedWhy, number>()
  readonly #allow: AllowList
  readonly #ports: ReadonlySet<string>
  readonly #resolve: Resolve
  readonly #limits: EgressLimits
  readonly #proxy: URL | undefined

  constructor({ allow = '', ports = [], resolve = resolveBySystem, limits, proxy }: EgressOptions = {}) {
    this.#allow = new AllowList(allow)
    this.#ports = new Set(['', ...ports.map(String)])
    this.#resolve = resolve
    this.#proxy = proxy === undefined ? undefined : proxyOf(proxy)
    this.#limits = { ...EGRESS_LIMITS, ...limits }
  }

  /** Throws {@link EgressError} for a URL that is not called whatever addresses its host has. */
  check(text: string): URL {
    const url = URL.parse(text)
    if (url === null) throw this.#refuse('no_url', 'this is no URL')
    const isNamed = this.#allow.hasHost(url)
    if (url.protocol !== 'https:' && !(isNamed && url.protocol === 'http:')) {
      throw this.#refuse('scheme', 'the URL must begin with https://, unless an operator allows its host without TLS')
    }
    if (url.username !== '' || url.password !== '')
      throw this.#refuse('user_info', 'the URL may hold no name and no password')
    if (url.hash !== '') throw this.#refuse('fragment', 'the URL may have no fragment (#…)')
    if (!isNamed && !this.#ports.has(url.port)) {
      throw this.#refuse(
        'port',
        `the port ${url.port} of the URL is not allowed: an operator can allow the host with this port`,
      )
    }
    const address = url.hostname.replace(/^\[|\]$/g, '')
    if (isIP(address) !== 0 && !isNamed && !this.#allow.hasAddress(address)) throw this.#refuseAddress()
    return url
  }

  /**
   * Makes one call. Resolves with any answer, redirects included. Rejects with {@link EgressError} before anything is connected, with
   * `unavailable` ({@link ResourceError}) when there is no answer, and with the reason of `signal`.
   */
  async request(
    text: string,
    { method = 'POST', headers = {}, body, signal }: EgressRequest = {},
  ): Promise<EgressAnswer> {
    const url = this.check(text)
    const fault = checkHeaders(headers)
    if (fault !== undefined) throw this.#refuse('header', fault)
    signal?.throwIfAborted()
    const ended = AbortSignal.any([
      AbortSignal.timeout(this.#limits.wholeMs),
      ...(signal === undefined ? [] : [signal]),
    ])
    try {
      const { connectMs } = this.#limits
      // A proxy looks names up itself, and has to refuse what it must not reach.
      const checked = this.#proxy === undefined ? await this.#addressesOf(url, ended) : []
      const socket = this.#proxy && (await connectThrough(this.#proxy, url, connectMs, ended))
      const call = { method, headers, ...(body !== undefined && { body }), signal: ended, ...(socket && { socket }) }
      return await this.#call(url, checked, call)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof ResourceError) throw error
      const { code = '', message } = error as NodeJS.ErrnoException
      const why = ended.aborted ? `there was no answer within ${this.#limits.wholeMs} ms` : code || message
      throw new ResourceError('unavailable', `${url.host} could not be called: ${why}`, {
        cause: error,
        class: classOf(code),
      })
    }
  }

  async #addressesOf(url: URL, signal: AbortSignal): Promise<readonly LookupAddress[]> {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const family = isIP(host)
    if (family !== 0) return [{ address: host, family }]
    const found = await this.#lookUp(host, signal)
    if (!this.#allow.hasHost(url) && !found.every(({ address }) => this.#allow.hasAddress(address)))
      throw this.#refuseAddress()
    return found
  }

  /** A name server may let a resolver wait for minutes: the look-up is a part of the time to connect. */
  async #lookUp(host: string, signal: AbortSignal): Promise<readonly LookupAddress[]> {
    const late = AbortSignal.any([signal, AbortSignal.timeout(this.#limits.connectMs)])
    try {
      const found = await unlessAborted(this.#resolve(host), late)
      if (found.length > 0) return found
    } catch (cause) {
      throw new ResourceError('unavailable', `the name ${host} was not found`, { cause })
    }
    throw new ResourceError('unavailable', `the name ${host} has no address`)
  }

  #call(
    url: URL,
    checked: readonly LookupAddress[],
    options: Required<Pick<EgressRequest, 'method' | 'headers' | 'signal'>> &
      EgressRequest & { readonly socket?: Socket },
  ): Promise<EgressAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<EgressAnswer>()
    const { method, headers, body, signal, socket: given } = options
    const client = url.protocol === 'https:' ? https : http
    const call = client.request(
      url,
      {
        ...{ method, headers, signal, timeout: this.#limits.connectMs },
        ...(given === undefined
          ? { agent: false as const, lookup: lookupOf(checked) }
          : { createConnection: () => given }),
      },
      (answer) => {
        // The time to connect is over, and that for the whole call goes on.
        call.setTimeout(0)
        readSome(answer, this.#limits.answerBytesMax).then(resolve, reject)
      },
    )
    call.once('timeout', () => {
      if (call.socket?.connecting !== false) {
        call.destroy(
          new ResourceError('unavailable', `${url.host} took no connection within ${this.#limits.connectMs} ms`),
        )
      }
    })
    call.once('socket', (socket) => {
      if (given !== undefined) return
      socket.once('connect', () => {
        const isKnown = checked.some(({ address }) => isSame(address, socket.remoteAddress))
        if (!isKnown) call.destroy(this.#refuseAddress())
      })
    })
    call.once('error', reject)
    call.end(body)
    return promise
  }

  #refuseAddress(): EgressError {
    return this.#refuse(
      'address',
      'the host of the URL is not in the public internet: an operator can allow its network',
    )
  }

  #refuse(why: RefusedWhy, message: string): EgressError {
    this.refused.set(why, (this.refused.get(why) ?? 0) + 1)
    return new EgressError(why, message)
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', stop))
}

/** A look-up that knows the checked addresses alone, so that a name can't have others by the time of the connection. */
function lookupOf(checked: readonly LookupAddress[]): LookupFunction {
  return (_host, options, callback) => {
    const fitting =
      options.family === 4 || options.family === 6 ? checked.filter(({ family }) => family === options.family) : checked
    const [first] = fitting
    if (first === undefined)
      callback(Object.assign(new Error('no address of this family'), { code: 'ENOTFOUND' }), '', 0)
    else if (options.all === true) callback(null, [...fitting])
    else callback(null, first.address, first.family)
  }
}

function isSame(address: string, remote: string | undefined): boolean {
  const bare = (text: string): string => text.replace(/^::ffff:/i, '').replace(/%.*$/, '')
  return remote !== undefined && bare(remote) === bare(address)
}

async function readSome(answer: IncomingMessage, bytesMax: number): Promise<EgressAnswer> {
  const chunks: Buffer[] = []
  let bytes = 0
  let isCut = false
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, bytesMax - bytes))
    bytes += chunk.byteLength
    isCut = bytes > bytesMax
    if (isCut) break
  }
  answer.destroy()
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks), isCut }
}

const NOT_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/** Whether the request may have arrived before the connection broke. */
function classOf(code: string): 'transient' | 'unsure' {
  return NOT_SENT.has(code) ? 'transient' : 'unsure'
}
