import { setTimeout as sleep } from 'node:timers/promises'
import type * as Y from 'yjs'
import { type Answer, HttpCaller } from '../api/http-caller.ts'
import { percentile } from '../bench/load/percentile.ts'
import { connectStock, type StockClient, whenSynced } from '../support/stock-client.ts'
import { makeToken } from '../support/tokens.ts'

const WORKSPACE = 'bystander'
const TYPING_MS = 20
const REQUEST_MS = 100
/** Every so many requests read the past, which waits for its turn. */
const PAST_EVERY = 10

/** Time from the keystroke to the other screen, or from request to answer, ms. */
export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly count: number
}

interface Sample {
  readonly startMs: number
  tookMs?: number
}

/** The latencies of a time: what has not arrived counts with the time that it has taken so far. */
function latencyOf(samples: readonly Sample[]): Latency {
  const nowMs = performance.now()
  const values = samples.map(({ startMs, tookMs }) => tookMs ?? nowMs - startMs)
  return {
    p50: percentile(values, 0.5),
    p99: percentile(values, 0.99),
    max: Math.max(0, ...values),
    count: values.length,
  }
}

/** A server that people work in. */
export interface Served {
  readonly port: number
  /** Settles when the server is gone. */
  readonly ended: Promise<unknown>
}

export interface BystanderLatency {
  readonly typing: Latency
  readonly http: Latency
}

/**
 * Two people with stock clients, of whom one types fifty letters a second, and a job that writes fields over HTTP, all in a
 * workspace of their own. They count how long things take, and know everything that must still be there at the end.
 */
export class BystanderLoad implements AsyncDisposable {
  readonly #url: string
  readonly #ada: StockClient
  readonly #ben: StockClient
  readonly #http: HttpCaller
  readonly #over = new AbortController()
  readonly #loops: Promise<void>[] = []
  /** Letters typed since {@link #ben} showed the last one, in order. */
  readonly #onTheWay: Sample[] = []
  /** Fields that an answer has called written. */
  readonly #fields = new Map<string, number>()
  #typing: Sample[] = []
  #requests: Sample[] = []
  #typed = 0
  #shown = 0
  readonly #refused = new Map<string, number>()

  private constructor(url: string, ada: StockClient, ben: StockClient, http: HttpCaller) {
    this.#url = url
    this.#ada = ada
    this.#ben = ben
    this.#http = http
    ben.doc.on('update', () => this.#onShown())
  }

  /** Rejects when `ended` settles before the people are in. */
  static async open({ port, ended }: Served): Promise<BystanderLoad> {
    const url = `ws://127.0.0.1:${port}`
    const enter = async (sub: string): Promise<StockClient> => {
      const params = { token: await makeToken({ sub, workspaces: [WORKSPACE] }) }
      const client = connectStock({ version: '3.1', url, workspace: WORKSPACE, params })
      if (await isSyncedBefore(client, ended)) return client
      client[Symbol.dispose]()
      throw new Error('the server ended before the people were in')
    }
    const authorization = `Bearer ${await makeToken({ sub: 'job', workspaces: [WORKSPACE] })}`
    const load = new BystanderLoad(
      url,
      await enter('ada'),
      await enter('ben'),
      new HttpCaller(`http://127.0.0.1:${port}`, { authorization }),
    )
    load.#loops.push(load.#type(), load.#request())
    return load
  }

  /** Begins to count anew. */
  begin(): void {
    this.#typing = []
    this.#requests = []
  }

  latency(): BystanderLatency {
    return { typing: latencyOf(this.#typing), http: latencyOf(this.#requests) }
  }

  /** Stops, waits until everything has arrived, and returns what is missing for the others and for a newcomer. */
  async finish(ended: Promise<unknown>): Promise<string[]> {
    this.#over.abort()
    await Promise.all(this.#loops)
    const deadlineMs = performance.now() + 30_000
    while (this.#shown < this.#typed && performance.now() < deadlineMs) await sleep(20)
    return [
      ...(this.#shown < this.#typed ? [`${this.#typed - this.#shown} letters never arrived`] : []),
      ...(await this.missing(ended)),
    ]
  }

  /**
   * Returns what a newcomer and a request do not get of all that was written. Also for a server that was started again. A newcomer
   * tries for ever to reach a server that has `ended`, and is then not waited for.
   */
  async missing(ended: Promise<unknown>): Promise<string[]> {
    const params = { token: await makeToken({ sub: 'newcomer', workspaces: [WORKSPACE] }) }
    using newcomer = connectStock({ version: '3.1', url: this.#url, workspace: WORKSPACE, params })
    if (!(await isSyncedBefore(newcomer, ended))) return ['the server ended before a newcomer had read anything']
    const found: string[] = []
    if (textOf(newcomer).toString() !== textOf(this.#ada).toString()) found.push('a newcomer reads another text')
    const answer = await this.#call('GET', `/v1/workspaces/${WORKSPACE}/blocks?limit=500`)
    const blocks = (answer?.json?.blocks ?? []) as { id: string; fields: Record<string, number> }[]
    const fields = new Map(blocks.map(({ id, fields: { n } }) => [id, n]))
    const lost = [...this.#fields].filter(([block, n]) => fields.get(block) !== n)
    if (lost.length > 0) found.push(`${lost.length} fields are lost or older`)
    return found
  }

  async #type(): Promise<void> {
    const text = textOf(this.#ada)
    while (!this.#over.signal.aborted) {
      const sample: Sample = { startMs: performance.now() }
      this.#typing.push(sample)
      this.#onTheWay.push(sample)
      this.#typed++
      text.insert(text.length, 'x')
      await sleep(TYPING_MS)
    }
  }

  #onShown(): void {
    const nowMs = performance.now()
    const { length } = textOf(this.#ben)
    for (; this.#shown < length; this.#shown++) {
      const sample = this.#onTheWay.shift()
      if (sample !== undefined) sample.tookMs = nowMs - sample.startMs
    }
  }

  async #request(): Promise<void> {
    for (let n = 1; !this.#over.signal.aborted; n++) {
      const block = `b-${n % 20}`
      const path = `/v1/workspaces/${WORKSPACE}/blocks/${block}`
      const sample: Sample = { startMs: performance.now() }
      this.#requests.push(sample)
      if (n % PAST_EVERY === 0) await this.#call('GET', `/v1/workspaces/${WORKSPACE}/blocks?at=1&limit=10`)
      else if ((await this.#call('PUT', path, { type: 'text', fields: { n } })) !== undefined)
        this.#fields.set(block, n)
      sample.tookMs = performance.now() - sample.startMs
      await sleep(REQUEST_MS)
    }
  }

  async #call(method: string, path: string, body?: unknown): Promise<Answer | undefined> {
    try {
      const answer = await this.#http.call(method, path, body)
      if (answer.status < 300) return answer
      this.#refuse(`${method} was answered ${answer.status} ${answer.text.slice(0, 200)}`)
    } catch (error) {
      this.#refuse(`${method} had no answer: ${String(error)}`)
    }
    return undefined
  }

  #refuse(what: string): void {
    this.#refused.set(what, (this.#refused.get(what) ?? 0) + 1)
  }

  /** Requests that were refused: a bystander is never refused for what others do. */
  get refused(): string[] {
    return [...this.#refused].map(([what, count]) => `${count} times: ${what}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    await Promise.all(this.#loops)
    this.#http[Symbol.dispose]()
    this.#ada[Symbol.dispose]()
    this.#ben[Symbol.dispose]()
  }
}

function isSyncedBefore(client: StockClient, ended: Promise<unknown>): Promise<boolean> {
  return Promise.race([whenSynced(client).then(() => true), ended.then(() => false)])
}

function textOf({ doc }: StockClient): Y.Text {
  return doc.getText('text')
}
