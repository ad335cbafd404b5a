import { BlocksError, type BlocksErrorCode, RunSupersededError } from '@joinery/blocks'
import { FileError, type FileErrorCode } from '@joinery/resources'
import { IdentityError, LogError, ServerError, secondsToTomorrow } from '@joinery/server'
import { TaskError } from '@joinery/tasks'

/** The HTTP status of each error code. SPEC.md says what a client does about each. */
export const ERROR_STATUS = {
  malformed: 400,
  invalid: 422,
  unauthorized: 401,
  forbidden: 403,
  forbidden_origin: 403,
  read_only: 403,
  update_refused: 403,
  not_found: 404,
  unknown_workspace: 404,
  unknown_block: 404,
  unknown_edge: 404,
  unknown_index: 404,
  unknown_machine: 404,
  unknown_status: 404,
  unknown_lsn: 404,
  unknown_lease: 404,
  unknown_task: 404,
  unknown_upload: 404,
  unknown_file: 404,
  unknown_subscription: 404,
  no_head_key: 404,
  method_not_allowed: 405,
  block_exists: 409,
  edge_exists: 409,
  workspace_exists: 409,
  version_conflict: 409,
  run_superseded: 409,
  foreign_shape: 409,
  not_restorable: 409,
  not_deleted: 409,
  missing_edits: 409,
  lease_held: 409,
  lease_lost: 409,
  no_tokens: 409,
  already_done: 409,
  not_cancelable: 409,
  not_retryable: 409,
  upload_incomplete: 409,
  workspace_deleted: 410,
  history_dropped: 410,
  too_large: 413,
  unsupported_media_type: 415,
  bad_update: 422,
  type_required: 422,
  key_reused: 422,
  unknown_saga: 422,
  durability_unavailable: 422,
  too_many_requests: 429,
  over_budget: 429,
  quota_bytes: 429,
  quota_workspaces: 403,
  quota_keys: 403,
  quota_files: 403,
  too_many_leases: 429,
  too_many_tasks: 429,
  internal: 500,
  unavailable: 503,
  busy: 503,
  quarantined: 503,
  not_durable_yet: 503,
  storage_failed: 503,
  store_unavailable: 503,
  store_refused: 503,
  storage_full: 507,
} as const

export type ApiErrorCode = keyof typeof ERROR_STATUS

export interface ApiErrorOptions extends ErrorOptions {
  /** Details that a program needs to go on, as JSON. */
  readonly details?: Readonly<Record<string, unknown>>
  /** The block or edge as it is now, after a failed precondition; null when there is none. */
  readonly current?: unknown
  /** When the client may try again, s. */
  readonly retryAfterSeconds?: number
}

/** The error class of this package. `message` says what happened and what to do. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly code: ApiErrorCode
  readonly details: ApiErrorOptions['details']
  readonly current: unknown
  readonly retryAfterSeconds: number | undefined
  constructor(code: ApiErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.details = options.details
    this.current = options.current
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  get status(): number {
    return ERROR_STATUS[this.code]
  }
}

const OF_BLOCKS: Record<BlocksErrorCode, ApiErrorCode> = {
  bad_block_id: 'invalid',
  bad_edge_id: 'invalid',
  bad_argument: 'invalid',
  forbidden_key: 'invalid',
  block_missing: 'unknown_block',
  foreign_shape: 'foreign_shape',
  run_superseded: 'run_superseded',
  machine_mismatch: 'invalid',
}

/** Turns any error into an {@link ApiError}. An unknown error becomes `internal`: it is the cause, and the message says nothing of it. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof RunSupersededError) return supersededBy(error.standing, error.message)
  if (error instanceof BlocksError) return new ApiError(OF_BLOCKS[error.code], error.message, { cause: error })
  if (error instanceof IdentityError) return ofIdentity(error)
  if (error instanceof ServerError) return ofServer(error)
  if (error instanceof LogError) return ofLog(error)
  if (error instanceof TaskError) return ofTasks(error)
  if (error instanceof FileError) return ofFiles(error)
  return new ApiError('internal', 'the server failed on this request: its log holds the cause', { cause: error })
}

export function supersededBy(standing: unknown, message: string): ApiError {
  return new ApiError('run_superseded', message, { details: { standing } })
}

function ofIdentity(error: IdentityError): ApiError {
  const isCallers = error.code === 'unauthorized' || error.code === 'forbidden'
  return isCallers
    ? new ApiError(error.code as 'unauthorized' | 'forbidden', error.message)
    : new ApiError('unavailable', error.message, { cause: error, retryAfterSeconds: 1 })
}

/** Errors of tasks have the same codes here. */
function ofTasks({ code, message, details }: TaskError): ApiError {
  return new ApiError(code, message, {
    ...(details !== undefined && { details }),
    ...(code === 'too_many_tasks' && { retryAfterSeconds: 5 }),
  })
}

/** The codes of files that have another name here. Those of the store's own URLs are answered there. */
const OF_FILES: Readonly<Partial<Record<FileErrorCode, ApiErrorCode>>> = {
  store_full: 'storage_full',
  wrong_digest: 'invalid',
  wrong_length: 'invalid',
  bad_ticket: 'forbidden',
}

function ofFiles(error: FileError): ApiError {
  const code = OF_FILES[error.code] ?? (error.code as ApiErrorCode)
  const mayPass = error.class === 'transient' || error.class === 'throttled'
  return new ApiError(code, error.message, {
    cause: error,
    ...(error.details !== undefined && { details: error.details }),
    ...(mayPass && { retryAfterSeconds: Math.ceil((error.retryAfterMs ?? 1_000) / 1_000) }),
  })
}

function ofServer(error: ServerError): ApiError {
  const { code, message } = error
  if (code === 'workspace_deleted' || code === 'history_dropped' || code === 'unknown_lsn')
    return new ApiError(code, message, { cause: error })
  if (code === 'quota_bytes')
    return new ApiError(code, message, { cause: error, retryAfterSeconds: secondsToTomorrow() })
  if (code === 'quota_workspaces' || code === 'quota_keys') return new ApiError(code, message, { cause: error })
  if (code === 'quarantined' || code === 'lease_lost') return new ApiError(code, message, { cause: error })
  if (code === 'too_many_leases') return new ApiError(code, message, { cause: error, retryAfterSeconds: 1 })
  if (code === 'too_costly') return new ApiError('quarantined', message, { cause: error })
  return new ApiError('unavailable', message, { cause: error, retryAfterSeconds: 1 })
}

function ofLog(error: LogError): ApiError {
  const { message, code } = error
  if (code === 'storage_full') return new ApiError('storage_full', message, { cause: error, retryAfterSeconds: 10 })
  if (code === 'corrupted') return new ApiError('quarantined', message, { cause: error })
  if (code === 'deleted') return new ApiError('workspace_deleted', message, { cause: error })
  if (code === 'no_quorum') return new ApiError('unavailable', message, { cause: error, retryAfterSeconds: 5 })
  // The cluster has to be updated first, which is no failure of this server's storage.
  if (code === 'unsupported') return new ApiError('unavailable', message, { cause: error, retryAfterSeconds: 60 })
  const isElsewhere = code === 'closed' || code === 'fenced' || code === 'not_owner'
  return new ApiError(isElsewhere ? 'unavailable' : 'storage_failed', message, {
    cause: error,
    retryAfterSeconds: 1,
  })
}

/** JSON body of every error answer. */
export interface ErrorBody {
  error: { code: string; message: string; details?: unknown }
  current?: unknown
}

export function errorBody({ code, message, details, current }: ApiError): ErrorBody {
  return {
    error: { code, message, ...(details !== undefined && { details }) },
    ...(current !== undefined && { current }),
  }
}
