import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { embed } from '@joinery/resources/search'

interface Asked {
  readonly input: readonly string[]
  readonly model: string
  readonly encoding_format?: string
  readonly dimensions?: number
}

/** An embedding service of this machine that keeps the protocol. Its vectors are those of hashed n-grams. */
export class EmbeddingServer implements AsyncDisposable {
  /** Texts of the requests that were answered with vectors, one list for each. */
  readonly batches: string[][] = []
  /** `Authorization` of each request. */
  readonly bearers: (string | undefined)[] = []
  /** Answers a request in another way. Undefined answers it as the protocol has it. */
  onRequest: (asked: Asked, response: ServerResponse) => boolean | Promise<boolean> = () => false
  /** Changes an answer before it is sent. */
  change: (answer: { data: { index: number; embedding: unknown }[] }) => unknown = (answer) => answer
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  static async start(): Promise<EmbeddingServer> {
    const server = new EmbeddingServer()
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get texts(): string[] {
    return this.batches.flat()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = (await json(request)) as Asked
    this.bearers.push(request.headers.authorization)
    if (request.url !== '/v1/embeddings') return void response.writeHead(404).end()
    if (await this.onRequest(asked, response)) return
    const encode = (vector: Float32Array): unknown =>
      asked.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector]
    const data = asked.input.map((text, index) => ({ object: 'embedding', index, embedding: encode(embed(text)) }))
    this.batches.push([...asked.input])
    const body = this.change({ data })
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
