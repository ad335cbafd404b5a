import { isUtf8 } from 'node:buffer'
import { type ClaimAuthor, isReservedSource, SOURCE_PRIORITY, type Source } from '@joinery/blocks'
import { type Authenticator, type Identity, IdentityError, type WorkspaceId } from '@joinery/server'
import { ApiError } from './api-error.ts'

/** Headers of a request that say who sends it. */
export interface CallerHeaders {
  readonly authorization?: string | undefined
  readonly 'x-joinery-actor'?: string | undefined
  readonly 'x-joinery-source'?: string | undefined
}

/**
 * Identifies the caller by the same rules as a socket's. `token` is the query's, for callers that can't set headers. Throws
 * `unauthorized`, `forbidden` or `unavailable`.
 */
export async function identifyCaller(
  authenticate: Authenticator,
  headers: CallerHeaders,
  workspace: WorkspaceId | undefined,
  token?: string,
): Promise<Identity> {
  const sent = bearerOf(headers.authorization) ?? token
  try {
    return await authenticate({
      token: sent,
      actor: actorIn(headers['x-joinery-actor']),
      source: headers['x-joinery-source'] || undefined,
      workspace,
    })
  } catch (error) {
    if (sent !== undefined || !(error instanceof IdentityError) || error.code !== 'unauthorized') throw error
    throw new ApiError('unauthorized', 'the request has no token: send the header Authorization: Bearer <token>', {
      cause: error,
    })
  }
}

/** Decodes an actor's name: percent-encoded as in a URL, or plain UTF-8, as a shell sends it. */
function actorIn(header: string | undefined): string | undefined {
  if (!header) return undefined
  // Node decodes headers as Latin-1.
  const bytes = Buffer.from(header, 'latin1')
  try {
    return decodeURIComponent(isUtf8(bytes) ? bytes.toString() : header)
  } catch (cause) {
    throw new ApiError('forbidden', 'X-Joinery-Actor is not percent-encoded UTF-8: send a "%" as %25', { cause })
  }
}

function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const match = /^Bearer +(\S+)$/i.exec(header)
  if (match === null)
    throw new ApiError(
      'unauthorized',
      'the header Authorization is not of the form "Bearer <token>": send the token so',
    )
  return match[1]
}

/** The author of the records that the caller writes. Throws `read_only`, and `forbidden` for a source that no claim may name. */
export function authorOf({ access, actor, source }: Identity): ClaimAuthor {
  if (access !== 'write') {
    throw new ApiError('read_only', 'this token allows reading only: ask for one with access "write"')
  }
  if (!isSource(source)) {
    const message = `"${source}" may not write: X-Joinery-Source is one of ${Object.keys(SOURCE_PRIORITY).join(', ')}`
    throw new ApiError('forbidden', message)
  }
  return { actor, source }
}

/**
 * The author of statuses that the caller writes: of any source, which the machine's table then has to know. Throws `read_only`, and
 * `forbidden` for a source of the server's own that the caller's token does not name.
 */
export function statusAuthorOf({ access, actor, source, sources }: Identity): ClaimAuthor {
  if (access !== 'write') {
    throw new ApiError('read_only', 'this token allows reading only: ask for one with access "write"')
  }
  if (isReservedSource(source) && sources?.includes(source) !== true)
    throw new ApiError('forbidden', `the server speaks for "${source}": use a token whose "sources" name it`)
  return { actor, source: source as Source }
}

function isSource(source: string): source is Source {
  return Object.hasOwn(SOURCE_PRIORITY, source)
}
