import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Job, Told } from './model-thread.mts'

const THREAD = fileURLToPath(new URL('./model-thread.mts', import.meta.url))
/** Heap of the thread, MiB: its vocabulary takes 30. The weights, some 100 MiB, are beside it. */
const HEAP_MB_MAX = 256
/** Texts of a job that goes before larger ones. */
const SMALL_TEXTS = 4
/** Pause before a thread that has ended is started again, ms. */
const AGAIN_MS = 1_000

export const QUEUE_LIMITS = {
  /** Texts that wait or are computed: some seconds of work. Further ones are answered 429. */
  textsMax: 2_048,
  /** Characters that the model computes at once: memory grows with them. */
  jobCharsMax: 16_384,
  jobTextsMax: 32,
} as const

/** The vectors of a request's texts, one after the other, and the number of tokens. */
export interface Embedded {
  readonly vectors: readonly Float32Array[]
  readonly tokens: number
}

/** Error of the queue: `busy` for too many texts, `unavailable` while there is no model, `failed` for texts that the model refuses. */
export class QueueError extends Error {
  override name = 'QueueError'
  readonly code: 'busy' | 'unavailable' | 'failed'
  constructor(code: QueueError['code'], message: string) {
    super(message)
    this.code = code
  }
}

interface Waiting extends PromiseWithResolvers<{ vectors: Float32Array; tokens: number }> {
  readonly texts: readonly string[]
  readonly signal: AbortSignal
}

/** Gives texts to the thread of the model, one job after the other. */
export class ModelQueue {
  readonly #folder: string
  readonly #dimensions: number
  readonly #onEnded: (error: unknown) => void
  readonly #waiting: Waiting[] = []
  #thread: Worker | undefined
  #current: Waiting | undefined
  #timer: NodeJS.Timeout | undefined
  #id = 0
  #isReady = false
  #isClosed = false
  readonly #firstReady = Promise.withResolvers<void>()

  /** @param onEnded called when the thread ends by itself: it is started again */
  constructor(folder: string, dimensions: number, onEnded: (error: unknown) => void) {
    this.#folder = folder
    this.#dimensions = dimensions
    this.#onEnded = onEnded
    this.#firstReady.promise.catch(() => undefined)
    this.#start()
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Texts that wait or are computed. */
  get size(): number {
    return [this.#current, ...this.#waiting].reduce((sum, job) => sum + (job?.texts.length ?? 0), 0)
  }

  /** Resolves once the model is loaded; rejects if it can't be. */
  get whenReady(): Promise<void> {
    return this.#firstReady.promise
  }

  /** Embeds texts. Rejects with {@link QueueError}, and with the reason of the signal. */
  async embed(texts: readonly string[], signal: AbortSignal): Promise<Embedded> {
    if (!this.#isReady || this.#isClosed) throw new QueueError('unavailable', 'the model is not loaded: try again')
    if (this.size + texts.length > QUEUE_LIMITS.textsMax) {
      throw new QueueError('busy', `${this.size} texts wait, and ${QUEUE_LIMITS.textsMax} may: try again later`)
    }
    const parts = jobsOf(texts).map((some) => this.#ask(some, signal))
    const found = await Promise.all(parts)
    const vectors = found.flatMap((part) => this.#vectorsIn(part.vectors))
    return { vectors, tokens: found.reduce((sum, part) => sum + part.tokens, 0) }
  }

  /** Ends the thread. Requests that wait are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#rejectAll('the server goes down')
    await this.#thread?.terminate()
  }

  #ask(texts: readonly string[], signal: AbortSignal): Promise<{ vectors: Float32Array; tokens: number }> {
    const waiting = { ...Promise.withResolvers<{ vectors: Float32Array; tokens: number }>(), texts, signal }
    // Several parts of a request may be rejected, and only the first one is waited for.
    waiting.promise.catch(() => undefined)
    // A person who searches does not wait for a board that is read.
    const place = isSmall(waiting) ? this.#waiting.findIndex((other) => !isSmall(other)) : -1
    this.#waiting.splice(place === -1 ? this.#waiting.length : place, 0, waiting)
    this.#next()
    return waiting.promise
  }

  #next(): void {
    while (this.#current === undefined && this.#isReady) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      if (next.signal.aborted) {
        next.reject(next.signal.reason)
        continue
      }
      this.#current = next
      this.#thread?.postMessage({ id: ++this.#id, texts: next.texts } satisfies Job)
    }
  }

  #start(): void {
    const thread = new Worker(THREAD, {
      workerData: { folder: this.#folder },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
      stdout: true,
      stderr: true,
    })
    this.#thread = thread
    thread.on('message', (told: Told) => this.#hear(told))
    let why: unknown
    thread.once('error', (error) => {
      why = error
    })
    thread.once('exit', (code) => this.#ended(why ?? new Error(`the thread of the model ended with ${code}`)))
  }

  #hear(told: Told): void {
    if ('ready' in told) {
      this.#isReady = true
      this.#firstReady.resolve()
    } else {
      const current = this.#current
      this.#current = undefined
      if ('error' in told) current?.reject(new QueueError('failed', `the model refused the texts: ${told.error}`))
      else current?.resolve({ vectors: told.vectors, tokens: told.tokens })
    }
    this.#next()
  }

  #ended(error: unknown): void {
    this.#isReady = false
    if (this.#isClosed) return
    this.#firstReady.reject(error)
    this.#rejectAll('the model has ended and is loaded again')
    this.#onEnded(error)
    this.#timer = setTimeout(() => this.#start(), AGAIN_MS)
  }

  #rejectAll(message: string): void {
    const waiting = [this.#current, ...this.#waiting.splice(0)]
    this.#current = undefined
    for (const job of waiting) job?.reject(new QueueError('unavailable', message))
  }

  #vectorsIn(all: Float32Array): Float32Array[] {
    const length = this.#dimensions
    return Array.from({ length: all.length / length }, (_, at) => all.subarray(at * length, (at + 1) * length))
  }
}

function isSmall({ texts }: Waiting): boolean {
  return texts.length <= SMALL_TEXTS
}

/** Splits texts into what the model computes at once. */
function jobsOf(texts: readonly string[]): string[][] {
  const jobs: string[][] = []
  let chars = Number.POSITIVE_INFINITY
  for (const text of texts) {
    const last = jobs.at(-1)
    if (
      last === undefined ||
      last.length === QUEUE_LIMITS.jobTextsMax ||
      chars + text.length > QUEUE_LIMITS.jobCharsMax
    ) {
      jobs.push([text])
      chars = text.length
    } else {
      last.push(text)
      chars += text.length
    }
  }
  return jobs
}
