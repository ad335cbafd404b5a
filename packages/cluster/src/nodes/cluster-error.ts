/**
 * - `engine_emptied`: the engine has nothing of the cluster that the data belongs to.
 * - `name_taken`: a living node has this name already.
 * - `not_held`: a lock is not held, or by somebody else.
 * - `lock_held`: a lock is somebody else's, also at the end of the wait.
 * - `node_alive`: a node that is to be taken for gone answers.
 * - `unknown_proposal`: a proposal is neither pending nor among the last decisions.
 * - `unknown_format`: a newer version wrote what is read.
 * - `unsupported`: this deployment can't do what is asked.
 * - `invalid`: the call can't be meant.
 */
export type ClusterErrorCode =
  | 'engine_emptied'
  | 'name_taken'
  | 'not_held'
  | 'lock_held'
  | 'node_alive'
  | 'unknown_proposal'
  | 'unknown_format'
  | 'unsupported'
  | 'invalid'

export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly code: ClusterErrorCode

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
