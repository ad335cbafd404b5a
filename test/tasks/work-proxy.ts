import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request of a worker about an attempt, such as `charge undo done`. `lease` is the token. */
export interface WorkMessage {
  /** Step (or `task`) and kind of the attempt, the key of its item if it has one, and the message. */
  readonly name: string
  readonly token: string
}

/**
 * The fate of a message. `lost`: the server does the work, and its answer is cut off. `twice`: it is sent again after its answer.
 * `cut`: the server gets half of its body. `never`: the server gets nothing.
 */
export type Fate = 'go' | 'lost' | 'twice' | 'cut' | 'never'

/** Stands between workers and a server, or what steps call, and sees every message. */
export interface WorkProxy extends AsyncDisposable {
  readonly url: string
  /** The token of the first attempt of a step and kind, such as `charge undo`, percent-encoded. */
  tokenOf(name: string): string | undefined
  /** Called before a message goes to the server. */
  before: (message: WorkMessage) => Fate | Promise<Fate>
  /** Called when the server has answered, before the worker reads it. */
  after: (message: WorkMessage, status: number) => void | Promise<void>
}

export async function startWorkProxy(port: number): Promise<WorkProxy> {
  const leases = new Map<string, string>()
  const forward = (
    incoming: IncomingMessage,
    body: Buffer,
    gone: AbortSignal,
    isCut = false,
  ): Promise<{ message: IncomingMessage; body: Buffer }> =>
    new Promise((resolve, reject) => {
      const { host: _host, connection: _connection, ...headers } = incoming.headers
      const sent = request({
        host: '127.0.0.1',
        port,
        path: incoming.url,
        method: incoming.method,
        headers,
        signal: gone,
      })
      sent.on('error', reject)
      sent.on('response', (message) => {
        const chunks: Buffer[] = []
        message.on('data', (chunk: Buffer) => chunks.push(chunk))
        message.on('error', reject)
        message.on('end', () => resolve({ message, body: Buffer.concat(chunks) }))
      })
      if (!isCut) sent.end(body)
      else sent.write(body.subarray(0, body.length / 2), () => sent.destroy(new Error('cut')))
    })
  const relay = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const [, token, what] = /\/v1\/work\/leases\/([^/]+)\/(\w+)$/.exec(incoming.url ?? '') ?? []
    // A worker that ends its poll takes no work any more: the server has to know.
    const gone = new AbortController()
    if (incoming.url === '/v1/work/leases') outgoing.on('close', () => gone.abort())
    const message = { token: token ?? '', name: `${leases.get(token ?? '') ?? 'other'} ${what ?? 'lease'}` }
    const fate = await proxy.before(message)
    if (fate === 'never') return void outgoing.destroy()
    let answer = await forward(incoming, body, gone.signal, fate === 'cut')
    if (fate === 'twice') answer = await forward(incoming, body, gone.signal)
    if (incoming.url === '/v1/work/leases' && answer.message.statusCode === 200) learn(answer.body)
    await proxy.after(message, answer.message.statusCode ?? 0)
    if (fate === 'lost') {
      // Half of the answer: a body that is cut off.
      outgoing.writeHead(answer.message.statusCode ?? 502, answer.message.headers)
      outgoing.write(answer.body.subarray(0, answer.body.length / 2), () => outgoing.destroy())
      return
    }
    outgoing.writeHead(answer.message.statusCode ?? 502, answer.message.headers)
    outgoing.end(answer.body)
  }
  const learn = (body: Buffer): void => {
    const { leases: given } = JSON.parse(body.toString()) as {
      leases: { token: string; step?: string; kind: string; item?: { key: string } }[]
    }
    for (const { token, step, kind, item } of given) {
      leases.set(encodeURIComponent(token), `${step ?? 'task'} ${kind}${item === undefined ? '' : ` ${item.key}`}`)
    }
  }
  // A server or a worker that is killed breaks connections: the other side sees that.
  const server = createServer((incoming, outgoing) => void relay(incoming, outgoing).catch(() => outgoing.destroy()))
  const proxy: WorkProxy = {
    url: '',
    tokenOf: (name) => [...leases].find(([, known]) => known === name)?.[0],
    before: () => 'go',
    after: () => undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(proxy, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}
