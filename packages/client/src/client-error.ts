import { CLOSE, type RejectionCode, WIRE_LIMITS } from '@joinery/protocol'

/** Why the server refused a whole connection. Final until the application acts. */
export type RefusalCode =
  | 'bad_frame'
  | 'unauthorized'
  | 'forbidden'
  | 'bad_workspace'
  | 'quarantined'
  | 'workspace_deleted'
  | 'too_large'
  | 'too_fast'
  | 'refused'

/** The error for a presence state of `bytes`. */
export function presenceTooLarge(bytes: number): ClientError {
  const bytesMax = WIRE_LIMITS.awarenessStateBytesMax
  return new ClientError('presence_too_large', `the presence state has ${bytes} bytes, at most ${bytesMax}: show less`)
}

/** Everything that can go wrong in the SDK, listed in SPEC.md. */
export type ClientErrorCode =
  | RefusalCode
  /** The workspace was closed before the wait was over. */
  | 'closed'
  /** The server refused an edit. The edit was set aside, and can no longer become durable. */
  | 'rejected'
  /** The workspace on the server is not the one that the local copy was made of. The copy was set aside. */
  | 'generation_changed'
  /** The server lets another actor in. The edits of the earlier actor are not sent as the new one's. */
  | 'actor_changed'
  /** The fork builds on edits that the server does not have. */
  | 'fork_orphaned'
  /** The presence state is larger than the server accepts. */
  | 'presence_too_large'
  /** The server has another table under a machine's name, or none: its statuses are not shown. */
  | 'machine_mismatch'
  /** The options can never work: a bad URL or workspace name, or `offline` without IndexedDB. */
  | 'bad_options'
  /** IndexedDB failed. */
  | 'local_copy_failed'
  /** The job's block does not exist. */
  | 'block_missing'
  /** Reason of a job's signal: another run took over, or the index was removed. */
  | 'superseded'
  /** Another may hold the lease by now, so that nothing is written under it any more. */
  | 'lease_lost'
  /** The file could not be kept, or somebody canceled its upload: the message says why. */
  | 'upload_failed'
  /** The server's HTTP API did not answer. */
  | 'unreachable'
  /** The server's HTTP API refused the request; `refusal` says why. */
  | 'request_refused'

/** A refusal by the server's HTTP API. Its codes are listed in `packages/api/SPEC.md`. */
export interface Refusal {
  readonly status: number
  /** `unknown_lsn`, `history_dropped`, `read_only`, `busy` ...; `none` when the answer was not from Joinery's HTTP API. */
  readonly code: string
  readonly details: unknown
}

export interface ClientErrorOptions extends ErrorOptions {
  readonly rejection?: RejectionCode
  readonly refusal?: Refusal
}

/** The one error class of this package. */
export class ClientError extends Error {
  override name = 'ClientError'
  readonly code: ClientErrorCode
  /** For `rejected`: the server's code. */
  readonly rejection: RejectionCode | undefined
  /** For `request_refused`: the server's answer. */
  readonly refusal: Refusal | undefined

  constructor(code: ClientErrorCode, message: string, options: ClientErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.rejection = options.rejection
    this.refusal = options.refusal
  }
}

const REFUSALS = new Map<number, RefusalCode>([
  [CLOSE.badFrame, 'bad_frame'],
  [CLOSE.unauthorized, 'unauthorized'],
  [CLOSE.forbidden, 'forbidden'],
  [CLOSE.badWorkspace, 'bad_workspace'],
  [CLOSE.quarantined, 'quarantined'],
  [CLOSE.workspaceDeleted, 'workspace_deleted'],
  [CLOSE.tooLarge, 'too_large'],
  [1009, 'too_large'],
  [CLOSE.tooFast, 'too_fast'],
])

/** Meaning of a final close code (4400–4499). Joinery's server always gives a reason; other servers may give none. */
export function refusalOf(closeCode: number, reason: string): { code: RefusalCode; reason: string } {
  return { code: REFUSALS.get(closeCode) ?? 'refused', reason: reason || `the server closed with ${closeCode}` }
}

export function machineMismatch(names: readonly string[]): ClientError {
  return new ClientError(
    'machine_mismatch',
    `the server has other tables for ${names.join(', ')}, or none: their statuses are kept and not shown; register the same with both`,
  )
}
