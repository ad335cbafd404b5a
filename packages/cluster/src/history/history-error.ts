/**
 * - `fenced`: another node owns the workspace now.
 * - `corrupted`: a message does not follow from the one before, or can't be read.
 * - `unknown_format`: a newer version wrote a message. This node must not own the workspace.
 * - `regressed`: the engine has lost messages that it had acknowledged.
 * - `awaited`: the engine is being made anew, or a node whose copy is needed does not answer. It is tried again.
 * - `deleted`: the workspace is deleted.
 * - `purged`: this node's copy is of a history that was purged. It has to be discarded, and what was asked for begun anew.
 * - `diverged`: the local log has other records than the engine, and neither contains the other.
 */
export type HistoryErrorCode =
  | 'fenced'
  | 'corrupted'
  | 'unknown_format'
  | 'regressed'
  | 'awaited'
  | 'deleted'
  | 'purged'
  | 'diverged'

/** An error of a workspace's history on the engine. `sequence` is the message's; 0 if it is about none. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
  readonly code: HistoryErrorCode
  readonly workspace: string
  readonly sequence: number

  constructor(code: HistoryErrorCode, workspace: string, sequence: number, reason: string, options?: ErrorOptions) {
    const where =
      sequence === 0 ? `the history of workspace ${workspace}` : `message ${sequence} of workspace ${workspace}`
    super(`${where}: ${reason}`, options)
    this.code = code
    this.workspace = workspace
    this.sequence = sequence
  }
}
