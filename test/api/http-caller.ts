import { Agent, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes, and say what they expect of them
  readonly json: any
}

/** Calls one server over a few connections that stay open. Rejects when a connection breaks: whether the request arrived is then unknown. */
export class HttpCaller implements Disposable {
  readonly #host: string
  readonly #port: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #agent: Agent

  constructor(url: string, headers: Readonly<Record<string, string>> = {}, connections = 1) {
    const { hostname, port } = new URL(url)
    this.#host = hostname
    this.#port = port
    this.#headers = headers
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
  }

  /** `body` is sent as JSON, or as it is when it is text or bytes. */
  call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const isAsItIs = body === undefined || typeof body === 'string' || body instanceof Uint8Array
    const sentBody = isAsItIs ? body : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          // Not as one URL: that would tidy up a path that a test wants as it is.
          host: this.#host,
          port: this.#port,
          path,
          method,
          agent: this.#agent,
          headers: {
            ...(sentBody !== undefined && { 'content-type': 'application/json' }),
            ...this.#headers,
            ...headers,
          },
        },
        (response) => {
          let answer = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            answer += chunk
          })
          response.on('error', reject)
          response.on('end', () => {
            if (!response.complete) return reject(new Error('the answer was cut off'))
            const isJson = response.headers['content-type']?.includes('json') === true && answer !== ''
            const json = isJson ? JSON.parse(answer) : undefined
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text: answer, json })
          })
        },
      )
      sent.on('error', reject)
      sent.end(sentBody)
    })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}
