import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { LogError } from '@joinery/log'
import type { Logger } from 'pino'
import { z } from 'zod'
import { CONTROL_PATH, type Line } from './control-line.mts'
import type { Operator, Watched } from './operator.mts'

/** What a question may weigh, bytes. */
const BODY_BYTES_MAX = 64 * 1024
/** A client takes silence for the end after some minutes; a long check may have nothing to say for that long. */
const BEAT_MS = 15_000
/** How often progress is told, at most. */
const PROGRESS_MS = 100

type Ask = (operator: Operator, body: unknown, watched: Required<Watched>) => Promise<unknown>

const inspectBody = z.object({ workspace: z.string().optional() })

/** What can be asked, by the last segment of the path. */
const ASKS: Readonly<Record<string, Ask>> = {
  ping: () => Promise.resolve(null),
  verify: (operator, _body, watched) => operator.verify(watched),
  inspect: (operator, body, { signal }) => operator.inspect(inspectBody.parse(body).workspace, signal),
}

/**
 * Lets the commands of an operator on this machine work on the store that the server has open. Whoever brings the
 * secret of the control file may: a token opens nothing here, and the secret opens nothing else.
 */
export class ControlDoor {
  readonly #secretHash: Buffer
  readonly #operator: Operator
  readonly #logger: Logger
  readonly #closing = new AbortController()

  constructor(secret: string, operator: Operator, logger: Logger) {
    this.#secretHash = hash(secret)
    this.#operator = operator
    this.#logger = logger
  }

  /** True if the request was for control, and is answered. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    if (!path.startsWith(CONTROL_PATH)) return false
    const ask = Object.hasOwn(ASKS, path.slice(CONTROL_PATH.length)) ? ASKS[path.slice(CONTROL_PATH.length)] : undefined
    if (!this.#isAllowed(request)) response.writeHead(401).end()
    else if (ask === undefined) response.writeHead(404).end()
    else if (request.method !== 'POST') response.writeHead(405, { allow: 'POST' }).end()
    else void this.#answer(ask, request, response)
    return true
  }

  /** Ends what is under way: the store is about to close. */
  close(): void {
    this.#closing.abort(new LogError('closed', 'the server goes down'))
  }

  /** Hashes are of one length whatever was sent, and comparing them takes as long wherever they differ. */
  #isAllowed(request: IncomingMessage): boolean {
    const [scheme, secret = ''] = (request.headers.authorization ?? '').split(' ')
    return scheme === 'Bearer' && timingSafeEqual(hash(secret), this.#secretHash)
  }

  async #answer(ask: Ask, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort(new LogError('closed', 'whoever asked is gone')))
    const signal = AbortSignal.any([gone.signal, this.#closing.signal])
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
      tell({ result: await ask(this.#operator, await readBody(request), { onProgress, signal }) })
    } catch (error) {
      this.#logger.warn({ err: error, path: request.url }, 'an operator’s question could not be answered')
      tell({ error: wordsFor(error) })
    } finally {
      clearInterval(beat)
      response.end()
      await once(response, 'close').catch(() => undefined)
    }
  }
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new LogError('invalid', `a question is at most ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString() || '{}')
  } catch (cause) {
    throw new LogError('invalid', 'the question is no JSON', { cause })
  }
}

function wordsFor(error: unknown): { code: string; message: string } {
  if (error instanceof LogError) return { code: error.code, message: error.message }
  if (error instanceof z.ZodError) return { code: 'invalid', message: z.prettifyError(error) }
  return { code: 'storage_failed', message: error instanceof Error ? error.message : String(error) }
}
