import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { LogError } from '@joinery/log'
import type { Logger } from 'pino'
import { z } from 'zod'
import { ASKS, type Ask, archiveBody, readQuestion } from './control-asks.mts'
import { CONTROL_PATH, type Line } from './control-line.mts'
import type { Operator } from './operator.mts'

/** A client takes silence for the end after some minutes; a long check may have nothing to say for that long. */
const BEAT_MS = 15_000
/** How often progress is told, at most. */
const PROGRESS_MS = 100
const ARCHIVE = 'archive'

/**
 * Lets the commands of an operator on this machine work on the store that the server has open. Whoever brings the
 * secret of the control file may: a token opens nothing here, and the secret opens nothing else.
 */
export class ControlDoor {
  readonly #secretHash: Buffer
  readonly #operator: Operator
  readonly #logger: Logger
  readonly #closing = new AbortController()
  readonly #answering = new Set<Promise<void>>()

  constructor(secret: string, operator: Operator, logger: Logger) {
    this.#secretHash = hash(secret)
    this.#operator = operator
    this.#logger = logger
  }

  /** True if the request was for control, and is answered. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    if (!path.startsWith(CONTROL_PATH)) return false
    const what = path.slice(CONTROL_PATH.length)
    const ask = Object.hasOwn(ASKS, what) ? ASKS[what] : undefined
    if (!this.#isAllowed(request)) response.writeHead(401).end()
    else if (ask === undefined && what !== ARCHIVE) response.writeHead(404).end()
    else if (request.method !== 'POST') response.writeHead(405, { allow: 'POST' }).end()
    else this.#track(ask === undefined ? this.#stream(request, response) : this.#answer(ask, request, response))
    return true
  }

  /** Ends what is under way: the store is about to close. Resolves when all of it has let go of the store. */
  async close(): Promise<void> {
    this.#closing.abort(new LogError('closed', 'the server goes down'))
    await Promise.allSettled(this.#answering)
  }

  /** Hashes are of one length whatever was sent, and comparing them takes as long wherever they differ. */
  #isAllowed(request: IncomingMessage): boolean {
    const [scheme, secret = ''] = (request.headers.authorization ?? '').split(' ')
    return scheme === 'Bearer' && timingSafeEqual(hash(secret), this.#secretHash)
  }

  #track(answering: Promise<void>): void {
    this.#answering.add(answering)
    void answering.finally(() => this.#answering.delete(answering))
  }

  /** Aborts when whoever asked is gone, or the server closes. */
  #signalOf(response: ServerResponse): AbortSignal {
    const gone = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new LogError('closed', 'whoever asked is gone'))
    })
    return AbortSignal.any([gone.signal, this.#closing.signal])
  }

  async #answer(ask: Ask, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const signal = this.#signalOf(response)
    const tell = (line: Line): void => void response.write(`${JSON.stringify(line)}\n`)
    let toldMs = 0
    const onProgress = (done: number, total: number): void => {
      if (Date.now() - toldMs < PROGRESS_MS) return
      toldMs = Date.now()
      tell({ progress: [done, total] })
    }
    const beat = setInterval(() => void response.write('\n'), BEAT_MS)
    try {
      response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
      tell({ result: (await ask(this.#operator, request, { onProgress, signal })) ?? null })
    } catch (error) {
      tell({ error: this.#explain(error, request) })
    } finally {
      clearInterval(beat)
      response.end()
    }
  }

  /** An archive has its own end: a connection that breaks off before it is noticed. */
  async #stream(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const choice = archiveBody.parse(await readQuestion(request))
      const signal = this.#signalOf(response)
      const chunks = this.#operator.archive(choice, { signal })
      const iterator = chunks[Symbol.asyncIterator]()
      // What can't be archived at all says so before it begins.
      const first = await iterator.next()
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' })
      if (!first.done) response.write(first.value)
      await pipeline({ [Symbol.asyncIterator]: () => iterator }, response, { signal })
    } catch (error) {
      const explained = this.#explain(error, request)
      if (response.headersSent) response.destroy()
      else response.writeHead(409, { 'content-type': 'application/json' }).end(JSON.stringify({ error: explained }))
    }
  }

  #explain(error: unknown, request: IncomingMessage): { code: string; message: string } {
    // What was asked wrongly is for the operator to read, not for whoever watches the server.
    const level =
      error instanceof z.ZodError || (error instanceof LogError && error.code === 'invalid') ? 'info' : 'warn'
    this.#logger[level]({ err: error, path: request.url }, 'an operator’s question could not be answered')
    if (error instanceof LogError) return { code: error.code, message: error.message }
    if (error instanceof z.ZodError) return { code: 'invalid', message: z.prettifyError(error) }
    return { code: 'storage_failed', message: error instanceof Error ? error.message : String(error) }
  }
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
