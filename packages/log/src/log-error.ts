import type { Lsn } from './lsn.ts'

/** Why the log refused or failed: SPEC.md says what each code means and what to do. */
export type LogErrorCode =
  | 'storage_full'
  | 'storage_failed'
  | 'corrupted'
  | 'locked'
  | 'closed'
  | 'fenced'
  | 'not_owner'
  | 'no_quorum'
  | 'deleted'
  | 'foreign_directory'
  | 'unreadable'
  | 'invalid'
  | 'duplicate_key'
  | 'not_loadable'
  | 'unsupported'

export interface LogErrorOptions extends ErrorOptions {
  readonly workspace?: string
  readonly lsn?: Lsn
}

/** The one error class of the log. `message` names the workspace or directory and what to do. */
export class LogError extends Error {
  override name = 'LogError'
  readonly code: LogErrorCode
  /** The workspace that the error is about, if there is one. */
  readonly workspace: string | undefined
  /**
   * `corrupted`: the first record that is damaged or missing. `duplicate_key`: the record that has the key. `not_loadable`: the
   * record that can't be loaded, or the snapshot.
   */
  readonly lsn: Lsn | undefined
  constructor(code: LogErrorCode, message: string, options: LogErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.workspace = options.workspace
    this.lsn = options.lsn
  }
}
