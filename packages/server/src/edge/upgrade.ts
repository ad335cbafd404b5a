import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { parseWorkspaceName, QUERY, type WorkspaceId } from '@joinery/protocol'
import { type Authenticator, type Identity, IdentityError, type IdentityErrorCode } from '../identity.ts'
import { badWorkspace, REFUSALS, ServerError, type ServerErrorCode } from '../server-error.ts'

/** What a socket's URL asks for. */
export interface UpgradeRequest {
  readonly workspace: WorkspaceId
  readonly wantsJoinery: boolean
  readonly generation: string | undefined
  readonly token: string | undefined
  readonly actor: string | undefined
  readonly source: string | undefined
}

const NOTHING_ASKED = {
  wantsJoinery: false,
  generation: undefined,
  token: undefined,
  actor: undefined,
  source: undefined,
}

const CODE_OF_IDENTITY: Record<IdentityErrorCode, ServerErrorCode> = {
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
  keys_unavailable: 'load_failed',
  misconfigured: 'load_failed',
}

/** Splits a request's URL. Throws `bad_workspace`. The path is decoded once and never normalised: `..` is no workspace. */
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
  }
}

/** True when the client asked for Joinery's own message, whatever else is wrong with its URL. */
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

/** Who asks. Throws a `ServerError` that says what to do. */
export async function identify(request: UpgradeRequest, authenticate: Authenticator): Promise<Identity> {
  try {
    return await authenticate(request)
  } catch (cause) {
    if (!(cause instanceof IdentityError)) throw cause
    throw new ServerError(CODE_OF_IDENTITY[cause.code], cause.message, { cause })
  }
}

/** Pages that may come: exact origins, any, or those of this machine. */
export type Origins = readonly string[] | 'any' | 'loopback'

/**
 * Whether a page of this origin may come in. Pages say where they come from, other clients say nothing.
 * In development mode anyone on the machine is let in without a token, and a foreign page in their browser must not be.
 */
export function allowsOrigin(requestOrigin: string | undefined, origins: Origins): boolean {
  if (requestOrigin === undefined || origins === 'any') return true
  if (origins !== 'loopback') return origins.includes(requestOrigin)
  return URL.canParse(requestOrigin) && isLoopbackHost(new URL(requestOrigin).hostname)
}

/** True for the names and addresses of this machine itself. */
export function isLoopbackHost(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    host === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(host)
  )
}

/** Answers an upgrade with an HTTP error instead: clients that know no close code see the status. */
export function refuseUpgrade(_request: IncomingMessage, socket: Duplex, error: ServerError): void {
  const { status } = REFUSALS[error.code]
  const body = JSON.stringify({ error: { code: error.code, message: error.message } })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
