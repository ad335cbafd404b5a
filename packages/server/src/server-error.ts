import { LogError } from '@joinery/log'
import { CLOSE, type CloseCode, WORKSPACE_NAME_RULE } from '@joinery/protocol'

/** The reason why the server refused a client or could not go on. SPEC.md says what each code means and what to do. */
export type ServerErrorCode =
  | 'bad_workspace'
  | 'bad_frame'
  | 'bad_client_id'
  | 'unauthorized'
  | 'forbidden'
  | 'forbidden_origin'
  | 'generation_mismatch'
  | 'quarantined'
  | 'too_costly'
  | 'workspace_deleted'
  | 'history_dropped'
  | 'unknown_lsn'
  | 'load_failed'
  | 'memory_full'
  | 'too_large'
  | 'too_many_connections'
  | 'too_many_requests'
  | 'too_many_leases'
  | 'lease_lost'
  | 'too_slow'
  | 'quota_workspaces'
  | 'quota_bytes'
  | 'quota_keys'
  | 'restart'
  | 'moved'
  | 'not_replicated'
  | 'insecure_host'

/**
 * The HTTP status of a refused upgrade and the close code of an open socket, for each error code. The only such table.
 */
export const REFUSALS: Record<ServerErrorCode, { status: number; close: CloseCode }> = {
  bad_workspace: { status: 404, close: CLOSE.badWorkspace },
  bad_frame: { status: 400, close: CLOSE.badFrame },
  bad_client_id: { status: 400, close: CLOSE.badFrame },
  unauthorized: { status: 401, close: CLOSE.unauthorized },
  forbidden: { status: 403, close: CLOSE.forbidden },
  forbidden_origin: { status: 403, close: CLOSE.forbidden },
  generation_mismatch: { status: 409, close: CLOSE.generationMismatch },
  quarantined: { status: 503, close: CLOSE.quarantined },
  too_costly: { status: 503, close: CLOSE.tooCostly },
  workspace_deleted: { status: 410, close: CLOSE.workspaceDeleted },
  history_dropped: { status: 410, close: CLOSE.tryLater },
  unknown_lsn: { status: 404, close: CLOSE.tryLater },
  load_failed: { status: 503, close: CLOSE.tryLater },
  memory_full: { status: 503, close: CLOSE.tryLater },
  too_large: { status: 413, close: CLOSE.tooLarge },
  too_many_connections: { status: 503, close: CLOSE.tryLater },
  too_many_requests: { status: 429, close: CLOSE.tryLater },
  too_many_leases: { status: 429, close: CLOSE.tryLater },
  lease_lost: { status: 409, close: CLOSE.tryLater },
  too_slow: { status: 503, close: CLOSE.tryLater },
  quota_workspaces: { status: 403, close: CLOSE.forbidden },
  quota_bytes: { status: 429, close: CLOSE.refusedForNow },
  quota_keys: { status: 403, close: CLOSE.forbidden },
  restart: { status: 503, close: CLOSE.restart },
  moved: { status: 503, close: CLOSE.restart },
  not_replicated: { status: 503, close: CLOSE.tryLater },
  insecure_host: { status: 500, close: CLOSE.tryLater },
}

/** The only error class of the server. */
export class ServerError extends Error {
  override name = 'ServerError'
  readonly code: ServerErrorCode
  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The refusal for members of a workspace that could not be loaded, from the error of the load. */
export function refusalOf(error: unknown): ServerError {
  if (error instanceof ServerError) return error
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof LogError ? error.code : 'corrupted'
  if (code === 'fenced' || code === 'not_owner') return moved()
  if (code === 'deleted') return new ServerError('workspace_deleted', 'this workspace was deleted')
  if (code === 'corrupted') return quarantined(message)
  return new ServerError('load_failed', `the workspace can't be loaded now: ${message}`)
}

export function quarantined(message: string): ServerError {
  return new ServerError('quarantined', `the stored workspace is damaged: ${message}`)
}

/** The refusal for members of a workspace that takes more to load than it may: `reason` goes on a sentence about the load. */
export function tooCostly(reason: string): ServerError {
  return new ServerError(
    'too_costly',
    `the workspace can't be loaded: ${reason}; the operator has to restore or repair it`,
  )
}

/** Whether a document was not built because the documents in use take all the memory that they may. */
export function isMemoryFull(error: unknown): error is ServerError {
  return error instanceof ServerError && error.code === 'memory_full'
}

export function beingLoaded(): ServerError {
  return new ServerError('load_failed', 'the workspace is being loaded again: connect again')
}

/** The refusal for a caller that asks for dropped records. */
export function historyDropped(firstLsn: number, lsn: number): ServerError {
  return new ServerError('history_dropped', `LSN ${lsn} is no longer known: history is kept from LSN ${firstLsn} on`)
}

/** The refusal for a program that wants to write while storage is behind. */
export function storageBehind(): ServerError {
  return new ServerError('too_slow', 'storage is behind, so that no edit is taken now: try again in a moment')
}

/** The refusal for clients of a workspace that another process serves now. */
export function moved(): ServerError {
  return new ServerError('moved', 'another process serves this workspace now: connect again')
}

/** The refusal for clients of a workspace whose records reach no other machine. */
export function notReplicated(): ServerError {
  const message =
    'the edits reach no other machine now: connect again, perhaps to another node, and keep them until then'
  return new ServerError('not_replicated', message)
}

export function badWorkspace(): ServerError {
  return new ServerError('bad_workspace', `the path is not a workspace name: ${WORKSPACE_NAME_RULE}`)
}
