import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { expect } from 'vitest'

/** A delivery as it came, in the words of its body. */
export interface Received {
  readonly id: string
  readonly body: string
  readonly headers: IncomingHttpHeaders
  readonly type: string
  readonly data: {
    readonly workspace: string
    readonly generation: string
    readonly lsn: { readonly from: number; readonly through: number }
    readonly paths?: readonly string[]
    readonly statuses?: readonly Readonly<Record<string, unknown>>[]
  }
  /** Status of the answer that was given. */
  readonly status: number
}

/** The answer to a delivery: a status, perhaps with headers, or `hang` for none at all. */
export type ReceiverAnswer =
  | number
  | { readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | 'hang'

/** A service that takes webhooks, and checks each by the library `standardwebhooks`. */
export class WebhookReceiver implements AsyncDisposable {
  readonly url: string
  /** All deliveries, in the order in which they came. */
  readonly received: Received[] = []
  /** Errors of the library. */
  readonly forged: unknown[] = []
  answer: (received: Omit<Received, 'status'>) => ReceiverAnswer = () => 204
  readonly #server: Server

  private constructor(server: Server, secrets: () => readonly string[]) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        const headers = request.headers as Record<string, string>
        try {
          for (const secret of secrets()) new Webhook(secret).verify(body, headers)
        } catch (error) {
          this.forged.push(error)
          response.writeHead(401).end()
          return
        }
        const { type, data } = JSON.parse(body)
        const received = { id: headers['webhook-id'] ?? '', body, headers: request.headers, type, data }
        const answer = this.answer(received)
        if (answer === 'hang') return void this.received.push({ ...received, status: 0 })
        const { status, headers: more } = typeof answer === 'number' ? { status: answer, headers: {} } : answer
        this.received.push({ ...received, status })
        response.writeHead(status, more).end()
      })
    })
  }

  /** @param secrets those by which each delivery must be signed */
  static async start(secrets: () => readonly string[]): Promise<WebhookReceiver> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new WebhookReceiver(server, secrets)
  }

  /** The deliveries that were taken. */
  get taken(): Received[] {
    return this.received.filter(({ status }) => status >= 200 && status < 300)
  }

  /** Waits until a record of a workspace was told. */
  async told(workspace: string, lsn: number): Promise<void> {
    await expect
      .poll(() => this.reached(workspace), { message: `${workspace} is told up to ${lsn}` })
      .toBeGreaterThanOrEqual(lsn)
  }

  /** The last LSN of a workspace that was told. */
  reached(workspace: string): number {
    const of = this.taken.filter(({ data }) => data.workspace === workspace)
    return Math.max(0, ...of.map(({ data }) => data.lsn.through))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
