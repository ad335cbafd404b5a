import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Ends the connections on which no request waits while a server closes. Node alone waits for a client that keeps its
 * connection for further requests until it has been silent for some seconds, goes on to answer one that is not, and waits
 * for one that has never asked, as browsers have for their next request.
 */
export class DrainedConnections {
  readonly #http: HttpServer
  readonly #sockets = new Set<Socket>()
  #isDraining = false

  constructor(http: HttpServer) {
    this.#http = http
    http.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    http.on('request', (_request, response) => {
      if (this.#isDraining) response.shouldKeepAlive = false
      // Node counts the connection as idle when the listeners have been called.
      else response.once('close', () => this.#isDraining && setImmediate(() => http.closeIdleConnections()))
    })
  }

  /** From now on a connection ends with the answer that its client waits for. One on which no request waits ends at once. */
  drain(): void {
    this.#isDraining = true
    this.#http.closeIdleConnections()
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}
