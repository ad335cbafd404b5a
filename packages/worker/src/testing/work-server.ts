import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LeasedWork } from '@joinery/protocol'

/** One request that came, and its body. */
export interface Heard {
  readonly path: string
  readonly token: string | undefined
  readonly body: Record<string, unknown>
}

/** An answer that a test gives instead of the usual one; `lost` does the work and breaks the connection. */
export type Instead = { readonly status: number; readonly body?: unknown } | 'lost' | undefined

/** A server with the wire of workers and no engine: a test says which attempts it gives. For tests of this package alone. */
export interface WorkServer extends AsyncDisposable {
  readonly url: string
  readonly heard: readonly Heard[]
  /** Gives an attempt to the next worker that asks. Resolves with the message that ends it. */
  give(lease?: Partial<LeasedWork>): Promise<Heard>
  /** Asked before each answer. */
  instead: (heard: Heard) => Instead
  /** Resolves with the first request from now on, or before, that fits. */
  wait(fits: (heard: Heard) => boolean): Promise<Heard>
}

export const whatOf = ({ path }: Heard): string => path.split('/').at(-1) ?? ''

export async function startWorkServer(): Promise<WorkServer> {
  const heard: Heard[] = []
  const waiting: LeasedWork[] = []
  const ends = new Map<string, (heard: Heard) => void>()
  const polls = new Set<() => void>()
  const listeners = new Set<(one: Heard) => void>()
  let given = 0

  const server = createServer((request, response) => void answer(request, response))
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const token = request.headers.authorization?.replace('Bearer ', '')
    const one: Heard = { path: request.url ?? '', token, body: text === '' ? {} : JSON.parse(text) }
    heard.push(one)
    const other = self.instead(one)
    for (const listener of listeners) listener(one)
    if (typeof other === 'object') return send(response, other.status, other.body)
    const body = await usual(one, response)
    if (other === 'lost') response.destroy()
    else send(response, body === undefined ? 204 : 200, body)
  }
  const usual = async (one: Heard, response: ServerResponse): Promise<unknown> => {
    const what = whatOf(one)
    if (what === 'beat') return { answer: 'go' }
    if (what !== 'leases') {
      ends.get(decodeURIComponent(one.path.split('/').at(-2) ?? ''))?.(one)
      return undefined
    }
    if (waiting.length === 0 && Number(one.body.waitMs) > 0) {
      await new Promise<void>((resolve) => {
        polls.add(resolve)
        response.on('close', resolve)
      })
    }
    return { leases: response.destroyed ? [] : waiting.splice(0, Number(one.body.max)) }
  }
  const self: WorkServer = {
    url: '',
    heard,
    instead: () => undefined,
    give(over = {}) {
      const token = `w1.lease-${++given}`
      const { promise, resolve } = Promise.withResolvers<Heard>()
      ends.set(token, resolve)
      waiting.push({ ...LEASE, token, ...over })
      for (const poll of polls) poll()
      polls.clear()
      return promise
    },
    wait(fits) {
      const known = heard.find(fits)
      if (known !== undefined) return Promise.resolve(known)
      return new Promise((resolve) => {
        const listener = (one: Heard): void => {
          if (!fits(one)) return
          listeners.delete(listener)
          resolve(one)
        }
        listeners.add(listener)
      })
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(self, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

const LEASE: LeasedWork = {
  token: '',
  task: 'tsk_1',
  workspace: 'demo',
  saga: 'greet',
  version: 1,
  kind: 'run',
  step: 'one',
  attempt: 1,
  key: 'key-1',
  input: null,
  results: {},
  startedAt: 0,
  leaseMs: 30_000,
  cancelGraceMs: 30_000,
}
