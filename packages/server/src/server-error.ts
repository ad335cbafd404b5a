import { CLOSE, type CloseCode, WORKSPACE_NAME_RULE } from '@joinery/protocol'

/** Why the server refused a client or could not go on: SPEC.md says what each means and what to do. */
export type ServerErrorCode =
  | 'bad_workspace'
  | 'bad_frame'
  | 'unauthorized'
  | 'forbidden'
  | 'forbidden_origin'
  | 'generation_mismatch'
  | 'quarantined'
  | 'workspace_deleted'
  | 'load_failed'
  | 'too_large'
  | 'too_many_connections'
  | 'too_slow'
  | 'restart'
  | 'insecure_host'

/** How a refusal reaches the client: HTTP status at the upgrade, close code on an open socket. The one table. */
export const REFUSALS: Record<ServerErrorCode, { status: number; close: CloseCode }> = {
  bad_workspace: { status: 404, close: CLOSE.badWorkspace },
  bad_frame: { status: 400, close: CLOSE.badFrame },
  unauthorized: { status: 401, close: CLOSE.unauthorized },
  forbidden: { status: 403, close: CLOSE.forbidden },
  forbidden_origin: { status: 403, close: CLOSE.forbidden },
  generation_mismatch: { status: 409, close: CLOSE.generationMismatch },
  quarantined: { status: 503, close: CLOSE.quarantined },
  workspace_deleted: { status: 410, close: CLOSE.workspaceDeleted },
  load_failed: { status: 503, close: CLOSE.tryLater },
  too_large: { status: 413, close: CLOSE.tooLarge },
  too_many_connections: { status: 503, close: CLOSE.tryLater },
  too_slow: { status: 503, close: CLOSE.tryLater },
  restart: { status: 503, close: CLOSE.restart },
  insecure_host: { status: 500, close: CLOSE.tryLater },
}

/** The one error class of the server. */
export class ServerError extends Error {
  override name = 'ServerError'
  readonly code: ServerErrorCode
  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export function badWorkspace(): ServerError {
  return new ServerError('bad_workspace', `the path is no workspace name: ${WORKSPACE_NAME_RULE}`)
}
