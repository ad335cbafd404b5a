/**
 * - `name_taken`: a living node has this name already.
 * - `not_held`: a lock is not held, or by somebody else.
 * - `lock_held`: a lock is somebody else's, also at the end of the wait.
 * - `invalid`: the call can't be meant.
 */
export type ClusterErrorCode = 'name_taken' | 'not_held' | 'lock_held' | 'invalid'

export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly code: ClusterErrorCode

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
