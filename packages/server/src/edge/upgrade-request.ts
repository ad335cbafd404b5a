import type { IncomingMessage } from 'node:http'
import { parseWorkspaceName, QUERY, type WorkspaceId } from '@joinery/protocol'
import { badWorkspace, ServerError } from '../server-error.ts'

/** The parts of a socket's URL. */
export interface UpgradeRequest {
  readonly workspace: WorkspaceId
  readonly wantsJoinery: boolean
  readonly generation: string | undefined
  readonly token: string | undefined
  readonly actor: string | undefined
  readonly source: string | undefined
  /** The Yjs client id of the client's document. */
  readonly clientId: number | undefined
}

const NOTHING_ASKED = {
  wantsJoinery: false,
  generation: undefined,
  token: undefined,
  actor: undefined,
  source: undefined,
  clientId: undefined,
}

/**
 * Whether a request asks for a WebSocket, alone or in a list of protocols. Any other `Upgrade` is ignored, as RFC 9110
 * (7.8) allows: Java's HttpClient and `curl --http2` offer `h2c` with plain requests.
 */
export function isWebSocketUpgrade({ method, headers, httpVersionMinor }: IncomingMessage): boolean {
  if (method !== 'GET' || httpVersionMinor === 0) return false
  const protocols = headers.upgrade?.split(',') ?? []
  return protocols.some((protocol) => protocol.trim().toLowerCase() === 'websocket')
}

/**
 * Whether a plain request is the handshake of a WebSocket whose `Upgrade` a proxy has dropped. HTTP asks proxies to drop it
 * unless they are told to pass it on; the headers of the handshake itself arrive.
 */
export function hasLostUpgrade({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers['sec-websocket-key'] !== undefined
}

/**
 * Reads a request's URL. Throws `bad_workspace` and `bad_client_id`. The path is decoded once and never normalised: `..` is no workspace.
 */
export function parseUpgradeUrl(url: string): UpgradeRequest {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const workspace = parseWorkspaceName(decodePath(path.slice(1)))
  if (workspace === undefined) throw badWorkspace()
  if (mark < 0) return { ...NOTHING_ASKED, workspace }
  const query = new URLSearchParams(url.slice(mark + 1))
  const read = (name: string): string | undefined => query.get(name) || undefined
  return {
    workspace,
    wantsJoinery: query.get(QUERY.joinery) === '1',
    generation: read(QUERY.generation),
    token: read(QUERY.token),
    actor: read(QUERY.actor),
    source: read(QUERY.source),
    clientId: parseClientId(query.get(QUERY.client)),
  }
}

function parseClientId(text: string | null): number | undefined {
  if (text === null) return undefined
  const id = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(id)) return id
  throw new ServerError(
    'bad_client_id',
    "the query parameter client is the document's Yjs client id: a whole number of at most 2^53 - 1 in decimal digits",
  )
}

/** Whether the client asked for Joinery's own messages, even if the rest of its URL is wrong. */
export function wantsJoinery(url: string): boolean {
  return new URLSearchParams(url.slice(url.indexOf('?') + 1)).get(QUERY.joinery) === '1'
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw badWorkspace()
  }
}
