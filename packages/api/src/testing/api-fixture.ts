import type { IncomingMessage, ServerResponse } from 'node:http'
import { documentRules } from '@joinery/blocks'
import type { EventStore } from '@joinery/log'
import type { Files } from '@joinery/resources'
import {
  type Authenticator,
  createServer,
  type DocumentRules,
  type Quotas,
  type Server,
  type ServerLimits,
} from '@joinery/server'
import type { Tasks } from '@joinery/tasks'
import { type Api, type ApiOptions, createApi } from '../edge/api.ts'

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes, and say what they expect of them
  readonly body: any
}

/** A real server in memory with the API on its port. */
export class ApiFixture implements AsyncDisposable {
  readonly server: Server
  readonly api: Api

  private constructor(server: Server, api: Api) {
    this.server = server
    this.api = api
  }

  static async start(
    options: Partial<ApiOptions> & {
      authenticator?: Authenticator
      serverLimits?: Partial<ServerLimits>
      quotas?: Quotas
      rules?: DocumentRules
      store?: EventStore
      /** Signs the heads of the server. */
      headsOf?: (server: Server) => ApiOptions['heads']
      /** Opens the tasks of the server. */
      tasksOf?: (server: Server) => Promise<Tasks>
      /** Opens the files of the server, whose work its tasks do. */
      filesOf?: (server: Server, tasks: Tasks) => Files
    } = {},
  ): Promise<ApiFixture> {
    let handle: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
    const {
      authenticator,
      revocations,
      serverLimits,
      quotas,
      rules = documentRules,
      store,
      tasksOf,
      filesOf,
      headsOf,
    } = options
    const server = createServer({
      rules,
      ...(authenticator && { authenticator }),
      ...(revocations && { revocations }),
      ...(serverLimits && { limits: serverLimits }),
      ...(quotas && { quotas }),
      ...(store && { store }),
      request: (request, response) => {
        if (handle?.(request, response) !== true) response.writeHead(404).end()
      },
    })
    const tasks = await tasksOf?.(server)
    const files = tasks && filesOf?.(server, tasks)
    const heads = headsOf?.(server)
    const api = await createApi({
      ...(tasks && { tasks }),
      ...(files && { files }),
      ...(heads && { heads }),
      workspaces: server.workspaces,
      costs: server.costs,
      durability: 'memory',
      ...options,
    })
    handle = (request, response) => api.handle(request, response)
    await server.listen()
    return new ApiFixture(server, api)
  }

  /** Makes a request. `path` is the part after `/v1/workspaces/w`, or a whole path. */
  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    const url = `${this.server.url}${path.startsWith('/v1') ? path : `/v1/workspaces/w${path}`}`
    const isText = typeof body === 'string'
    const response = await fetch(url, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? JSON.parse(text) : undefined,
    }
  }

  /** Ends all streams; the server goes on. */
  closeApi(): Promise<void> {
    return this.api.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api.close()
    await this.server.close()
  }
}
