import type { WorkspaceId } from '@joinery/protocol'
import { createServer, type Server, type ServerOptions } from '../edge/server.ts'
import { RawClient } from './raw-client.ts'

/**
 * A server on a free port, and the clients that a test connected to it. {@link ServerFixture.close} ends all of them.
 */
export class ServerFixture {
  readonly server: Server
  readonly #clients: RawClient[] = []

  private constructor(server: Server) {
    this.server = server
  }

  static async start(options: ServerOptions = {}): Promise<ServerFixture> {
    const server = createServer(options)
    await server.listen()
    return new ServerFixture(server)
  }

  /** Connects a client. `path` is the part of the URL after the host: workspace and query. */
  client(path: string, options?: ConstructorParameters<typeof RawClient>[1]): RawClient {
    const client = new RawClient(`${this.server.url.replace('http', 'ws')}/${path}`, options)
    this.#clients.push(client)
    return client
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.ws.terminate()
    await this.server.close()
  }
}

export const W = 'w' as WorkspaceId
