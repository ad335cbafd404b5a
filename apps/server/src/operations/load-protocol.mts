import type { LogErrorCode, Lsn } from '@joinery/log'
import type { TrialTerms } from './trial-load.mts'

/** A request to a thread that loads workspaces on trial, one after the other. */
export type LoadRequest =
  | ({ readonly type: 'begin' } & Omit<TrialTerms, 'onUpdate'>)
  | { readonly type: 'add'; readonly updates: readonly AddedUpdate[] }
  | { readonly type: 'finish' }

export interface AddedUpdate {
  readonly update: Uint8Array
  readonly lsn: Lsn
}

/** The answer to one request: nothing, or why the workspace can't be loaded. */
export interface LoadAnswer {
  readonly failed?: { readonly code: LogErrorCode; readonly message: string; readonly lsn: Lsn | undefined }
}

/** Memory that both threads have: the LSN that is loaded now, NaN before the first. It outlives the thread. */
export interface LoadData {
  readonly lsn: Float64Array
}
