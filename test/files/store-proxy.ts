import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A request on its way to the store. */
export interface Call {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/** The fate of a request. Without any of these it passes. */
export interface Fate {
  /** The store is not asked, and this is the answer. */
  readonly answer?: Partial<Answer>
  /** The store is asked, and its answer is changed. */
  readonly change?: (answer: Answer) => Partial<Answer> | Promise<Partial<Answer>>
  /** The connection ends: before the store is asked, after it has done it, or within its answer. */
  readonly cut?: 'before' | 'after' | 'within'
  /** The store gets the request twice, and the second answer goes on. */
  readonly isDoubled?: boolean
  /** Time for which the request is held before all else, ms. It is dropped if its sender gives up meanwhile. */
  readonly heldMs?: number
}

/** One rule of CORS, in the words of `PutBucketCors`. */
export interface CorsRule {
  readonly AllowedOrigins: readonly string[]
  readonly AllowedMethods: readonly string[]
  readonly AllowedHeaders?: readonly string[]
  readonly ExposeHeaders?: readonly string[]
}

export interface StoreProxyOptions {
  /** Decides about each request; undefined lets it pass. It may wait, and so hold the request. */
  readonly fateOf?: (call: Call) => Fate | undefined | Promise<Fate | undefined>
  /** Answers pages of other origins by these rules, as S3 does, in place of what the store says. */
  readonly cors?: readonly CorsRule[]
}

/** Stands before a store, or before a whole server, and does to its requests what networks, proxies and other stores do. */
export class StoreProxy {
  readonly #server = createServer((incoming, response) => {
    this.#handle(incoming, response).catch(() => incoming.socket.destroy())
  })
  readonly #target: URL
  readonly #options: StoreProxyOptions
  readonly #sockets = new Set<Socket>()
  /** All requests so far, as `PUT /path?query`. */
  readonly calls: string[] = []

  private constructor(target: string, options: StoreProxyOptions) {
    this.#target = new URL(target)
    this.#options = options
    this.#server.on('upgrade', (incoming, socket, head) => this.#tunnel(incoming, socket as Socket, head))
  }

  /** @param target origin of the store: `http://127.0.0.1:9000` */
  static async open(target: string, options: StoreProxyOptions = {}): Promise<StoreProxy> {
    const proxy = new StoreProxy(target, options)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = incoming
    const body = Buffer.concat(await incoming.toArray())
    this.calls.push(`${method} ${url}`)
    const cors = this.#options.cors && corsHeaders(this.#options.cors, incoming)
    if (this.#options.cors !== undefined && method === 'OPTIONS') {
      response.writeHead(cors === undefined ? 403 : 200, cors).end()
      return
    }
    const call = { method, url, headers }
    const { answer: own, change, cut, isDoubled, heldMs = 0 } = (await this.#options.fateOf?.(call)) ?? {}
    if (heldMs > 0) await pause(heldMs)
    if (cut === 'before' || response.destroyed) throw new Error('cut')
    if (isDoubled) await this.#ask(call, body)
    const asked = own ?? (await this.#ask(call, body))
    if (cut === 'after') throw new Error('cut')
    const answer: Partial<Answer> = { ...asked, ...(change && (await change(asked as Answer))) }
    const kept = Object.entries(answer.headers ?? {}).filter(
      ([name]) => cors === undefined || !name.startsWith('access-control-'),
    )
    const content = method === 'HEAD' ? undefined : (answer.body ?? '')
    const length = content === undefined ? {} : { 'content-length': Buffer.byteLength(content) }
    response.writeHead(answer.status ?? 200, { ...Object.fromEntries(kept), ...cors, ...length })
    if (cut === 'within') response.write(Buffer.from(content ?? '').subarray(0, -1), () => response.destroy())
    else response.end(content)
  }

  /** Sends a request on. Its Host stays, since it is signed. */
  async #ask({ method, url, headers }: Call, body: Buffer): Promise<Answer> {
    const { hostname, port } = this.#target
    const sent = request({ hostname, port, method, path: url, headers: { ...headers, connection: 'close' } })
    // Swift sends some bytes too many after a few of its answers. An answer that lacks some fails below.
    sent.on('error', () => undefined)
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const content = Buffer.concat(await answer.toArray())
    const dropped = new Set([
      'connection',
      'keep-alive',
      'transfer-encoding',
      ...(method === 'HEAD' ? [] : ['content-length']),
    ])
    const told = Object.entries(answer.headers).filter(
      ([name, value]) => !dropped.has(name) && typeof value === 'string',
    )
    return {
      status: answer.statusCode ?? 0,
      headers: Object.fromEntries(told) as Record<string, string>,
      body: content,
    }
  }

  #tunnel({ method, url, rawHeaders }: IncomingMessage, socket: Socket, head: Buffer): void {
    const beyond = connect(Number(this.#target.port), this.#target.hostname)
    for (const [one, other] of [
      [socket, beyond],
      [beyond, socket],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
    }
    const lines = rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`))
    beyond.write(`${method} ${url} HTTP/1.1\r\n${lines.join('')}\r\n`)
    beyond.write(head)
    socket.pipe(beyond).pipe(socket)
  }
}

/** The headers of the first rule that fits; undefined if the page may not ask. */
function corsHeaders(
  rules: readonly CorsRule[],
  { method, headers }: IncomingMessage,
): Record<string, string> | undefined {
  const { origin } = headers
  const asked = headers['access-control-request-method'] ?? method ?? ''
  const names = (headers['access-control-request-headers'] ?? '').split(',').filter((name) => name.trim() !== '')
  const rule = rules.find(
    ({ AllowedOrigins, AllowedMethods, AllowedHeaders = [] }) =>
      origin !== undefined &&
      (AllowedOrigins.includes(origin) || AllowedOrigins.includes('*')) &&
      AllowedMethods.includes(asked) &&
      (names.length === 0 || AllowedHeaders.includes('*')),
  )
  if (rule === undefined || origin === undefined) return undefined
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': rule.AllowedMethods.join(', '),
    ...(names.length > 0 && { 'access-control-allow-headers': names.join(',') }),
    ...(rule.ExposeHeaders !== undefined && { 'access-control-expose-headers': rule.ExposeHeaders.join(', ') }),
    vary: 'Origin',
  }
}
