import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { failureOf } from '@joinery/worker'
import { Egress } from '../egress/egress.ts'
import { ResourceError } from '../resource-error.ts'
import type { Secrets } from '../secrets/secrets.ts'
import { readEmbeddings } from './embedding-answer.ts'
import { batchesOf } from './embedding-batches.ts'
import type { EmbeddingsConfig } from './embeddings-config.ts'

/** Bytes of an answer that are read: a full batch of vectors in decimal digits stays below. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024
/** Characters of the service's own words in an error. */
const QUOTED_MAX = 200
/** Pause before the first repeat of a call, ms; it doubles. */
const FIRST_MS = 500
/** Answers below 500 after which a call is repeated: too slow, too early, too many. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])

export interface EmbedOptions {
  readonly signal?: AbortSignal | undefined
  /** Calls of one batch, the first included; 4 by default. */
  readonly attempts?: number
  /** Longest pause before a repeat, ms, whatever the service asks for: then the error goes out at once. 20 s by default. */
  readonly pauseMsMax?: number
  /** Called with the vectors of each batch as soon as they are there. Its promise is awaited. */
  readonly onBatch?: (texts: readonly string[], vectors: readonly Float32Array[]) => unknown
}

/** The calls of a service since the start. */
export interface EmbeddingCounts {
  /** Calls that gave vectors. */
  answered: number
  repeats: number
  texts: number
  /** Calls that gave no vectors, by the code of the error. */
  readonly failed: Map<string, number>
}

/** An embedding service that speaks OpenAI's `POST /v1/embeddings`. Vectors have length 1, so that their dot product is their cosine. */
export class EmbeddingService {
  readonly model: string
  /** Names the space of the vectors: those of another key can't be compared. */
  readonly key: string
  /** `host:port`. */
  readonly host: string
  readonly counts: EmbeddingCounts = { answered: 0, repeats: 0, texts: 0, failed: new Map() }
  readonly #config: EmbeddingsConfig
  readonly #secrets: Secrets
  readonly #egress: Egress
  readonly #url: string
  #dimensions: number | undefined

  constructor(config: EmbeddingsConfig, secrets: Secrets) {
    const { base, model, dimensions, timeoutMs } = config
    const { origin, host } = new URL(base)
    this.#config = config
    this.#secrets = secrets
    this.#url = `${base.replace(/\/+$/, '')}/v1/embeddings`
    this.#dimensions = dimensions
    this.model = model
    this.host = host
    this.key = createHash('sha256')
      .update(JSON.stringify([base, model, dimensions]))
      .digest('hex')
      .slice(0, 16)
    // An operator has named this host, and a redirect leads to no other.
    this.#egress = new Egress({ allow: origin, limits: { answerBytesMax: ANSWER_BYTES_MAX, wholeMs: timeoutMs } })
  }

  /**
   * Resolves with one vector for each text. Texts go in batches, one after the other; a batch that the service is too busy for is
   * repeated after the time that it asks for. Rejects with {@link ResourceError}: `rejected` for texts that can't be sent and for a
   * refusal, `bad_answer`, `unavailable`; and with the reason of the signal.
   */
  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    const vectors: Float32Array[] = []
    for (const batch of batchesOf(texts, this.#config)) {
      const found = await this.#embedBatch(batch, options)
      for (const vector of found) vectors.push(vector)
      await options.onBatch?.(batch, found)
    }
    return vectors
  }

  async #embedBatch(batch: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    const { signal, attempts = 4, pauseMsMax = 20_000 } = options
    for (let attempt = 1; ; attempt++) {
      try {
        signal?.throwIfAborted()
        const vectors = await this.#call(batch, signal)
        this.counts.answered += 1
        this.counts.texts += vectors.length
        return vectors
      } catch (error) {
        signal?.throwIfAborted()
        if (error instanceof ResourceError) this.#countFailure(error)
        const waitMs = pauseAfter(error, attempt)
        if (waitMs === undefined || attempt >= attempts || waitMs > pauseMsMax) throw error
        this.counts.repeats += 1
        await pause(waitMs, undefined, { ...(signal && { signal }) })
      }
    }
  }

  async #call(batch: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const { model, secret, encoding, dimensions } = this.#config
    const { status, headers, body, isCut } = await this.#egress.request(this.#url, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        ...(secret !== undefined && { authorization: `Bearer ${this.#secrets.read(secret)}` }),
      },
      body: JSON.stringify({ input: batch, model, encoding_format: encoding, ...(dimensions && { dimensions }) }),
      ...(signal && { signal }),
    })
    if (status !== 200) throw this.#refusalOf(status, headers['retry-after'], body)
    if (isCut)
      throw new ResourceError('bad_answer', `the answer of ${this.host} has more than ${ANSWER_BYTES_MAX} bytes`)
    const vectors = readEmbeddings(this.#parse(body), { count: batch.length, dimensions: this.#dimensions })
    this.#dimensions ??= vectors[0]?.length
    return vectors
  }

  #parse(body: Buffer): unknown {
    try {
      return JSON.parse(body.toString('utf8'))
    } catch (cause) {
      // A proxy may answer with a page of its own while the service starts.
      throw new ResourceError('unavailable', `the answer of ${this.host} is no JSON`, { cause })
    }
  }

  #refusalOf(status: number, retryAfter: string | undefined, body: Buffer): ResourceError {
    const words = this.#secrets.redact(wordsOf(body))
    const isPassing = status >= 500 || PASSING.has(status)
    return new ResourceError(isPassing ? 'unavailable' : 'rejected', `${this.host} answered ${status}${words}`, {
      // A redirect is not followed: it is a refusal.
      status: status < 400 ? 400 : status,
      retryAfterMs: failureOf({ headers: { 'retry-after': retryAfter } }).retryAfterMs,
    })
  }

  #countFailure({ code }: ResourceError): void {
    this.counts.failed.set(code, (this.counts.failed.get(code) ?? 0) + 1)
  }
}

/** Pause before the repeat of a call, ms; undefined for an error that would come again. */
function pauseAfter(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof ResourceError) || error.code !== 'unavailable') return undefined
  return error.retryAfterMs ?? FIRST_MS * 2 ** (attempt - 1)
}

/** The words of an answer that refuses, such as `: Incorrect API key`; empty if it has none. */
function wordsOf(body: Buffer): string {
  try {
    const { error } = JSON.parse(body.toString('utf8')) as { error?: unknown }
    const message: unknown = typeof error === 'string' ? error : (error as { message?: unknown } | undefined)?.message
    return typeof message === 'string' ? `: ${message.slice(0, QUOTED_MAX)}` : ''
  } catch {
    return ''
  }
}
