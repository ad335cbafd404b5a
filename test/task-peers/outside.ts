import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One call of a step, as the outside has received it. */
export interface Call {
  readonly job: string
  readonly effect: string
}

/** The moment of a kill: when the n-th call of a job has come, before or after its effect has happened. */
export interface KillPoint {
  readonly call: number
  readonly when: 'before' | 'after'
}

/**
 * The world outside of a worker: it performs effects, counts them, and has the worker killed at chosen calls. It looks at no
 * idempotency key, so that a repeated call shows as what it is.
 */
export class Outside implements AsyncDisposable {
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  readonly #calls: Call[] = []
  readonly #kills = new Map<string, { points: KillPoint[]; kill: () => Promise<void> }>()
  readonly #refused = new Set<string>()
  readonly #seen = new Map<string, number>()

  static async open(): Promise<Outside> {
    const outside = new Outside()
    await new Promise<void>((resolve) => outside.#server.listen(0, '127.0.0.1', resolve))
    return outside
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Has `kill` called at these calls of a job. The worker gets no answer to such a call. */
  killAt(job: string, points: readonly KillPoint[], kill: () => Promise<void>): void {
    this.#kills.set(job, { points: [...points], kill })
  }

  /** Refuses an effect of a job for good, by 422. */
  refuse(job: string, effect: string): void {
    this.#refused.add(`${job} ${effect}`)
  }

  /** How often each effect of a job has happened. */
  effectsOf(job: string): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const call of this.#calls) if (call.job === job) counts.set(call.effect, (counts.get(call.effect) ?? 0) + 1)
    return counts
  }

  /** Number of kills that have not happened yet. */
  killsLeft(job: string): number {
    return this.#kills.get(job)?.points.length ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const call = JSON.parse(Buffer.concat(chunks).toString()) as Call
    const number = (this.#seen.get(call.job) ?? 0) + 1
    this.#seen.set(call.job, number)
    const due = this.#kills.get(call.job)
    const point = due?.points[0]
    const isKilled = point !== undefined && number >= point.call
    if (this.#refused.has(`${call.job} ${call.effect}`)) {
      response.writeHead(422, { 'content-type': 'application/json' }).end('{"error":"the plan can’t be linked"}')
      return
    }
    if (!isKilled || point.when === 'after') this.#calls.push(call)
    if (isKilled) {
      due?.points.shift()
      await due?.kill()
      response.destroy()
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
  }
}
