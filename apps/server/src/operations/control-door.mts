import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { LogError } from '@joinery/log'
import { type BytePayer, paidBytes } from '@joinery/resources'
import type { Logger } from 'pino'
import { z } from 'zod'
import { ASKS, type Ask, archiveBody, readQuestion } from './control-asks.mts'
import { CONTROL_PATH, type Line } from './control-line.mts'
import type { Operator } from './operator.mts'

/** Time between empty lines, ms. An HTTP client gives up after minutes of silence, and a long check may report nothing for so long. */
const BEAT_MS = 15_000
/** Least time between two reports of progress, ms. */
const PROGRESS_MS = 100
const ARCHIVE = 'archive'

/**
 * Answers an operator's commands on this machine from the store that the server has open. A command shows the secret of
 * the control file. A token opens nothing here, and the secret opens nothing else.
 */
export class ControlDoor {
  readonly #secretHash: Buffer
  readonly #operator: Operator
  readonly #payer: BytePayer
  readonly #isOfNode: (request: IncomingMessage) => boolean
  readonly #logger: Logger
  readonly #closing = new AbortController()
  readonly #answering = new Set<Promise<void>>()

  /**
   * @param payer pays for the bytes of archives
   * @param isOfNode whether another node of the cluster has made the request: its operator has shown its own secret there
   */
  constructor(
    secret: string,
    operator: Operator,
    payer: BytePayer,
    logger: Logger,
    isOfNode = (_: IncomingMessage): boolean => false,
  ) {
    this.#payer = payer
    this.#isOfNode = isOfNode
    this.#secretHash = hash(secret)
    this.#operator = operator
    this.#logger = logger
  }

  /** Answers a request to a path below {@link CONTROL_PATH}; returns false for any other request. */
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

  /** Aborts the requests under way, because the store is about to close. Resolves when none of them uses the store any more. */
  async close(): Promise<void> {
    this.#closing.abort(
      new LogError('closed', 'the server is shutting down: run the command again when it is up, or without a server'),
    )
    await Promise.allSettled(this.#answering)
  }

  /** Compares hashes: they have the same length for any secret, and comparing them takes the same time wherever they differ. */
  #isAllowed(request: IncomingMessage): boolean {
    if (this.#isOfNode(request)) return true
    const [scheme, secret = ''] = (request.headers.authorization ?? '').split(' ')
    return scheme === 'Bearer' && timingSafeEqual(hash(secret), this.#secretHash)
  }

  #track(answering: Promise<void>): void {
    this.#answering.add(answering)
    void answering.finally(() => this.#answering.delete(answering))
  }

  /** Signal that aborts when the command has disconnected or the server closes. */
  #signalOf(response: ServerResponse): AbortSignal {
    const gone = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new LogError('closed', 'the command has disconnected'))
    })
    return AbortSignal.any([gone.signal, this.#closing.signal])
  }

  async #answer(ask: Ask, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const signal = this.#signalOf(response)
    const tell = (line: Line): void => void response.write(`${JSON.stringify(line)}\n`)
    let toldMs = Number.NEGATIVE_INFINITY
    const onProgress = (done: number, total: number): void => {
      if (performance.now() - toldMs < PROGRESS_MS) return
      toldMs = performance.now()
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

  /** Sends an archive without framing: an archive marks its own end, so the reader notices a connection that breaks off before. */
  async #stream(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const choice = archiveBody.parse(await readQuestion(request))
      const signal = this.#signalOf(response)
      const chunks = paidBytes(this.#operator.archive(choice, { signal }), ARCHIVE, this.#payer)
      const iterator = chunks[Symbol.asyncIterator]()
      // Takes the first chunk before the headers go out, so that an archive that can't begin is answered with 409.
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
    // A wrong request is no warning: its operator reads the answer, and nothing is wrong with the server.
    const level =
      error instanceof z.ZodError || (error instanceof LogError && error.code === 'invalid') ? 'info' : 'warn'
    this.#logger[level]({ err: error, path: request.url }, 'an operator’s command could not be answered')
    if (error instanceof LogError) return { code: error.code, message: error.message }
    if (error instanceof z.ZodError) return { code: 'invalid', message: z.prettifyError(error) }
    return { code: 'storage_failed', message: error instanceof Error ? error.message : String(error) }
  }
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
