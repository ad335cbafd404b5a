import type { ChildProcess } from 'node:child_process'
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import type { Authenticator, Credentials, Identity } from '@joinery/server'
import type { Logger } from 'pino'
import { spawnWorker } from './worker-process.mts'

/** Pause before a worker that has ended is started again, ms: it doubles up to the longest. */
const FIRST_MS = 1_000
const LONGEST_MS = 30_000
/** A worker that has run for so long begins with the first pause again, ms. */
const STEADY_MS = 60_000
/** Time that a worker has to end before it is killed, ms: it gives its steps 8 s. */
const END_MS = 12_000

const OWN_WORKER = 'worker'

/** A token that only the server, or the nodes of a cluster, and the workers that they start know. */
export function ownWorkerToken(secret: Buffer = randomBytes(32)): string {
  return `own-worker.${secret.toString('base64url')}`
}

/** An authenticator that knows the server's own worker by its token, besides all that `authenticate` knows. */
export function withOwnWorker(authenticate: Authenticator, token: string): Authenticator {
  const expected = Buffer.from(token)
  const isOwn = (text = ''): boolean => {
    const given = Buffer.from(text)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
  const authenticateAll = async (credentials: Credentials): Promise<Identity> => {
    if (!isOwn(credentials.token)) return authenticate(credentials)
    return {
      actor: OWN_WORKER,
      source: credentials.source ?? 'workflow_execution',
      sources: undefined,
      access: 'write',
      isAuthenticated: true,
      expiresAtMs: undefined,
      work: ['*'],
      allows: () => true,
    }
  }
  return Object.assign(authenticateAll, {
    actorOf: (text: string) => (isOwn(text) ? OWN_WORKER : authenticate.actorOf?.(text)),
  })
}

export interface OwnWorkerOptions {
  /** Arguments of `joinery work`, but for the server's address. */
  readonly args: readonly string[]
  /** Variables of the environment that the worker does not get. */
  readonly without: readonly string[]
  /** `http://host:port` of the server. */
  readonly url: string
  /** Undefined without keys. */
  readonly token: string | undefined
  readonly logger: Logger
}

/** The worker of `serve --work` or of `serve --resources`: a process that is started again whenever it ends. */
export class OwnWorker {
  readonly #options: OwnWorkerOptions
  #child: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  #endings = 0

  constructor(options: OwnWorkerOptions) {
    this.#options = options
    this.#start()
  }

  /** Ends the worker: it gives back what it can't finish. Resolves when its process is gone. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    const child = this.#child
    if (child === undefined) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS)
    await exited
    clearTimeout(timer)
  }

  #start(): void {
    const { args, without, url, token, logger } = this.#options
    const startedMs = performance.now()
    const child = spawnWorker([...args, '--url', url], token, without)
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.split('\n').filter((each) => each !== '')) logger.info({ worker: child.pid }, line)
      })
    }
    const onEnd = (why: string): void => {
      if (this.#child !== child) return
      this.#child = undefined
      if (this.#isClosed) return
      if (performance.now() - startedMs > STEADY_MS) this.#endings = 0
      const retryMs = Math.min(FIRST_MS * 2 ** this.#endings++, LONGEST_MS)
      logger.error({ worker: child.pid, why, retryMs }, 'the worker has ended and is started again')
      this.#timer = setTimeout(() => this.#start(), retryMs)
    }
    child.once('error', (error) => onEnd(error.message))
    child.once('exit', (code, signal) => onEnd(`exit ${code ?? signal}`))
  }
}
