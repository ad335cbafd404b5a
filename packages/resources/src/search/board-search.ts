import { setTimeout as pause } from 'node:timers/promises'
import type { EmbeddingService } from '../embeddings/embedding-service.ts'
import { ResourceError } from '../resource-error.ts'
import { embedInto } from './embed-into.ts'
import { HASHED_NGRAMS, similarity } from './hashed-ngrams.ts'
import { NgramCache } from './ngram-cache.ts'
import { type Passage, splitPassages } from './passages.ts'
import { hashOfText, type Vectors } from './vector-file.ts'
import type { VectorStore } from './vector-store.ts'

/** Bounds of a search, each with its unit and reason. */
export const SEARCH_LIMITS = {
  /** Passages of one board that are searched: some 5 MB of text. The answer says how many are left out. */
  passagesMax: 20_000,
  /** Bytes of the vectors of one board: fewer passages are searched where vectors are long. */
  vectorBytesMax: 64 * 1024 * 1024,
  /** How long an answer waits for vectors of texts that are new, ms. The answer says how many it lacks. */
  waitMs: 5_000,
  /** How long no new vectors are asked for after the service has failed, ms. */
  restMs: 5_000,
  /** Boards for which vectors are made at once; others wait for their next search. */
  boardsAtOnce: 4,
  /** Queries whose vectors are remembered: letters that are typed and deleted again ask once. */
  queriesMax: 200,
} as const
export type SearchLimits = { readonly [K in keyof typeof SEARCH_LIMITS]: number }

/** Least cosine of hashed n-grams: below it, two texts share a few letters by chance. A guess from looking at results. */
const NGRAM_SCORE_MIN = 0.12
/** Passages that are looked at in one turn of the event loop. */
const PASSAGES_A_TURN = 200

/** A block as the search reads it. */
export interface SearchedText {
  readonly block: string
  /** Empty if the block has none. */
  readonly title: string
  readonly text: string
}

/** The passage of a block that is most like the query. */
export interface FoundPassage {
  readonly block: string
  /** Position in the block's text, code units; null for its title. */
  readonly start: number | null
  readonly text: string
  /** Cosine, to 1. Scores of different models can't be compared. */
  readonly score: number
}

export interface SearchAnswer {
  /** `meaning`: by the vectors of a model. `letters`: by hashed n-grams, which know words but no meaning. */
  readonly by: 'meaning' | 'letters'
  /** Name of the model. */
  readonly model: string
  /** At most one passage of each block, the most similar first. */
  readonly matches: readonly FoundPassage[]
  readonly passages: number
  /** Passages whose vectors are being made: a later search has them. */
  readonly pending: number
  /** Passages above the bounds of a search, which are not looked at. */
  readonly left: number
  /** Why the search is by letters although a model is configured. */
  readonly problem?: string
}

export interface SearchQuestion {
  readonly workspace: string
  readonly texts: Iterable<SearchedText>
  readonly query: string
  readonly limit: number
  readonly signal?: AbortSignal
}

/** The pace of the work: who asks pays for its parts, and others have their turn between them. */
export interface SearchPace {
  part<T>(work: () => T): T
  pause(): Promise<void>
}

export interface SearchOptions {
  /** Without it the search is by letters. */
  readonly meaning?: { readonly service: EmbeddingService; readonly store: VectorStore }
  readonly limits?: Partial<SearchLimits>
}

/** A passage as it is compared: the start is null for a title. */
interface Place extends Omit<Passage, 'start'> {
  readonly start: number | null
  readonly hash: string
  /** Whether it is the title of a block that has a text. */
  readonly isBeside: boolean
}

/** The making of the vectors that a board lacks. */
interface Making {
  readonly done: Promise<void>
}

/** Searches the texts of boards. All that it holds can be lost at any time: it is made again from the texts. */
export class BoardSearch {
  /** Answered searches since the start, by what they were by. */
  readonly counts = new Map<SearchAnswer['by'], number>()
  readonly #meaning: SearchOptions['meaning']
  readonly #limits: SearchLimits
  readonly #ngrams = new NgramCache()
  readonly #queries = new Map<string, Float32Array>()
  readonly #making = new Map<string, Making>()
  readonly #closed = new AbortController()
  #restsUntilMs = 0
  #problem = ''

  constructor({ meaning, limits }: SearchOptions = {}) {
    this.#meaning = meaning
    this.#limits = { ...SEARCH_LIMITS, ...limits }
  }

  /** Finds the passages most like the query. Rejects with the reason of the signal, and with what `pace` throws. */
  async search(question: SearchQuestion, pace: SearchPace): Promise<SearchAnswer> {
    const places = await this.#placesOf(question, pace)
    const found = await this.#byMeaning(question, places, pace)
    const answer = 'matches' in found ? found : await this.#byLetters(question, places, found.problem, pace)
    this.counts.set(answer.by, (this.counts.get(answer.by) ?? 0) + 1)
    return answer
  }

  /** Stops to make vectors. Resolves when nothing is written any more. */
  async close(): Promise<void> {
    this.#closed.abort(new Error('the server goes down'))
    await Promise.all([...this.#making.values()].map(({ done }) => done))
  }

  async #placesOf({ texts }: SearchQuestion, pace: SearchPace): Promise<Place[]> {
    const places: Place[] = []
    let seen = 0
    for (const { block, title, text } of texts) {
      pace.part(() => {
        const ofText = splitPassages(block, text)
        for (const passage of splitPassages(block, title))
          places.push({ ...passage, start: null, hash: hashOfText(passage.text), isBeside: ofText.length > 0 })
        for (const passage of ofText) places.push({ ...passage, hash: hashOfText(passage.text), isBeside: false })
      })
      if (places.length - seen < PASSAGES_A_TURN) continue
      seen = places.length
      await pace.pause()
    }
    return places
  }

  async #byMeaning(
    { workspace, query, limit, signal }: SearchQuestion,
    all: readonly Place[],
    pace: SearchPace,
  ): Promise<SearchAnswer | { problem: string | undefined }> {
    if (this.#meaning === undefined) return { problem: undefined }
    const { service, store } = this.#meaning
    // A single word is near to any short question: a title counts where it is all that a block has.
    const places = all.filter(({ isBeside }) => !isBeside)
    try {
      const asked = await this.#vectorOf(query, service, signal)
      const most = Math.min(this.#limits.passagesMax, Math.floor(this.#limits.vectorBytesMax / (asked.length * 4)))
      const looked = places.slice(0, most)
      let vectors = await store.read(workspace, service.key)
      if (looked.some(({ hash }) => !vectors.has(hash))) {
        await this.#whileMaking(workspace, looked, vectors, signal)
        vectors = await store.read(workspace, service.key)
      }
      const known = looked.filter(({ hash }) => vectors.get(hash)?.length === asked.length)
      const pending = looked.length - known.length
      if (known.length === 0 && pending > 0)
        return { problem: this.#problem || 'the vectors of the texts are being made' }
      const matches = await best(known, ({ hash }) => similarity(asked, vectors.get(hash) ?? asked), limit, pace)
      const left = places.length - looked.length
      return { by: 'meaning', model: service.model, matches, passages: places.length, pending, left }
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof ResourceError) return { problem: error.message }
      throw error
    }
  }

  async #byLetters(
    { query, limit }: SearchQuestion,
    places: readonly Place[],
    problem: string | undefined,
    pace: SearchPace,
  ): Promise<SearchAnswer> {
    const looked = places.slice(0, this.#limits.passagesMax)
    const asked = pace.part(() => this.#ngrams.of(hashOfText(query), query))
    const score = ({ hash, text }: Place): number => similarity(asked, this.#ngrams.of(hash, text))
    const matches = (await best(looked, score, limit, pace)).filter((match) => match.score >= NGRAM_SCORE_MIN)
    const left = places.length - looked.length
    const told = { by: 'letters', model: HASHED_NGRAMS, matches, passages: places.length, pending: 0, left } as const
    return problem === undefined ? told : { ...told, problem }
  }

  async #vectorOf(query: string, service: EmbeddingService, signal: AbortSignal | undefined): Promise<Float32Array> {
    const known = this.#queries.get(query)
    // Somebody waits for the answer: a service that is busy is no reason to wait long.
    const [vector] = known ? [known] : await service.embed([query], { signal, attempts: 2, pauseMsMax: 2_000 })
    if (vector === undefined) throw new ResourceError('bad_answer', `${service.host} gave no vector for the query`)
    this.#queries.delete(query)
    this.#queries.set(query, vector)
    for (const oldest of this.#queries.keys()) {
      if (this.#queries.size <= this.#limits.queriesMax) break
      this.#queries.delete(oldest)
    }
    return vector
  }

  /** Lets the vectors that are missing be made, and waits for them for a while. They are made to the end, also when the caller has gone. */
  async #whileMaking(
    workspace: string,
    places: readonly Place[],
    known: Vectors,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const making = this.#making.get(workspace) ?? this.#begin(workspace, places, known)
    if (making === undefined) return
    const ended = new AbortController()
    try {
      const signals = signal === undefined ? [ended.signal] : [ended.signal, signal]
      const waited = pause(this.#limits.waitMs, undefined, { signal: AbortSignal.any(signals) })
      await Promise.race([making.done, waited])
    } finally {
      ended.abort()
    }
  }

  #begin(workspace: string, places: readonly Place[], known: Vectors): Making | undefined {
    const isResting = performance.now() < this.#restsUntilMs
    if (isResting || this.#making.size >= this.#limits.boardsAtOnce || this.#closed.signal.aborted) return undefined
    const making = { done: this.#make(workspace, places, known).finally(() => this.#making.delete(workspace)) }
    this.#making.set(workspace, making)
    return making
  }

  async #make(workspace: string, places: readonly Place[], known: Vectors): Promise<void> {
    if (this.#meaning === undefined) return
    const { service, store } = this.#meaning
    const missing = new Set(places.filter(({ hash }) => !known.has(hash)).map(({ text }) => text))
    try {
      await embedInto({ service, store, workspace, texts: [...missing], signal: this.#closed.signal })
      await store.retain(workspace, service.key, new Set(places.map(({ hash }) => hash)))
      this.#problem = ''
    } catch (error) {
      // The next searches say it, and are by letters until the service answers again.
      this.#problem = error instanceof Error ? error.message : String(error)
      this.#restsUntilMs = performance.now() + this.#limits.restMs
    }
  }
}

/** The best passage of each block, at most `limit` of them. */
async function best(
  places: readonly Place[],
  scoreOf: (place: Place) => number,
  limit: number,
  pace: SearchPace,
): Promise<FoundPassage[]> {
  const found = new Map<string, FoundPassage>()
  for (let from = 0; from < places.length; from += PASSAGES_A_TURN) {
    if (from > 0) await pace.pause()
    pace.part(() => {
      for (const place of places.slice(from, from + PASSAGES_A_TURN)) {
        const score = scoreOf(place)
        const { block, start, text } = place
        if (score > (found.get(block)?.score ?? Number.NEGATIVE_INFINITY))
          found.set(block, { block, start, text, score })
      }
    })
  }
  return [...found.values()].sort((a, b) => b.score - a.score).slice(0, limit)
}
