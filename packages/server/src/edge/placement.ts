import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WorkspaceId } from '@joinery/protocol'

/**
 * Says which process serves a workspace, before a socket's upgrade or a request for it is served. One machine has none, and
 * serves everything itself.
 */
export interface Placement {
  /** The workspace that a request is for; undefined if every process answers it. */
  workspaceOf(request: IncomingMessage): WorkspaceId | undefined
  /**
   * The way to the process that serves the workspace; undefined if it is this one. Rejects with a `ServerError` if neither can
   * be found out. A request that was passed on is never passed on again: it rejects with `moved` instead.
   */
  routeTo(workspace: WorkspaceId, request: IncomingMessage): Promise<Route | undefined>
  /**
   * Takes a workspace that nobody has for this process, once a client of it is let in. Resolves with the way to the process that
   * was faster, and with undefined if this one serves the client. Rejects as {@link routeTo} does.
   */
  settle(workspace: WorkspaceId, request: IncomingMessage): Promise<Route | undefined>
  /**
   * The address of the client that another process of the cluster has passed this request on for; undefined for a request of
   * a client itself. Throws `forbidden` for a request that says so and comes from no process of the cluster.
   */
  clientOf(request: IncomingMessage): string | undefined
}

/** The way to another process. One of the two is called, once, unless the client is gone by then. */
export interface Route {
  /** Passes an upgrade on. `head` has the bytes that came after the request. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  request(request: IncomingMessage, response: ServerResponse): void
  /** Frees the way if it is not used. */
  close(): void
}

const clients = new WeakMap<IncomingMessage, string>()

/** The address of the client of a request, also behind another process of the cluster. */
export function clientAddressOf(request: IncomingMessage): string {
  return clients.get(request) ?? request.socket.remoteAddress ?? ''
}

/** Notes for whom another process has passed a request on. */
export function noteClient(request: IncomingMessage, address: string): void {
  clients.set(request, address)
}
