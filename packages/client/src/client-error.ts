import { CLOSE, type RejectionCode } from '@joinery/protocol'

/** Why the server refused a whole connection, or the connection could never be. Final until the application acts. */
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

/** Everything that can go wrong in the SDK, listed in SPEC.md. */
export type ClientErrorCode =
  | RefusalCode
  /** The workspace was closed before what was waited for came. */
  | 'closed'
  /** The server refused an edit; it was set aside, and what was waited for can no longer become durable. */
  | 'rejected'
  /** The workspace on the server is another one than the local copy's; the copy was set aside. */
  | 'generation_changed'
  /** A fork whose base the server does not know. */
  | 'fork_orphaned'
  /** An awareness state over the wire's limit. */
  | 'presence_too_large'
  /** The options can't be used: URL, workspace name, IndexedDB asked for where there is none. */
  | 'bad_options'
  /** IndexedDB failed. */
  | 'local_copy_failed'
  /** A job's block is not there. */
  | 'block_missing'
  /** Reason of a job's signal: another run stands, or the index was removed. */
  | 'superseded'
  /** Nothing came back from the server's HTTP face. */
  | 'unreachable'
  /** The server's HTTP face said no; `refusal` says why. */
  | 'request_refused'

/** What the server's HTTP face said no with: its codes are listed in `packages/api/SPEC.md`. */
export interface Refusal {
  readonly status: number
  /** `unknown_lsn`, `history_dropped`, `read_only`, `busy` ...; `none` when the answer was not the HTTP face's. */
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
  /** For `rejected`: what the server said. */
  readonly rejection: RejectionCode | undefined
  /** For `request_refused`: what the server said. */
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
  [CLOSE.tooFast, 'too_fast'],
])

/** What a final close code (4400–4499) means. Joinery's server always says why; the words are for others that don't. */
export function refusalOf(closeCode: number, reason: string): { code: RefusalCode; reason: string } {
  return { code: REFUSALS.get(closeCode) ?? 'refused', reason: reason || `the server closed with ${closeCode}` }
}
