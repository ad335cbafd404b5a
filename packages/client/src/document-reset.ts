import type { RejectionCode } from '@joinery/protocol'
import type * as Y from 'yjs'
import { ClientError } from './client-error.ts'
import type { EditsRejectionCode } from './save-status.ts'

/** Why a document was left behind, and its local copy set aside. */
export type SetAsideCause =
  /** The server's workspace is another one than the copy's: it was deleted and made anew, or restored. */
  | { readonly cause: 'generation_changed'; readonly generation: string | undefined }
  /** The workspace was deleted on the server. */
  | { readonly cause: 'workspace_deleted'; readonly reason: string }
  /** The server refused edits; `update` holds them, as one Yjs V1 update on top of what the server has. */
  | { readonly cause: 'rejected'; readonly code: RejectionCode; readonly reason: string; readonly update: Uint8Array }
  /** IndexedDB gave back something that is no Yjs update. */
  | { readonly cause: 'unreadable'; readonly reason: string }

/** `workspace.doc` is another document now. What the old one held that the server does not have is in `update`. */
export interface Reset {
  readonly cause: SetAsideCause['cause']
  /** For `rejected`: what the server said. */
  readonly code: RejectionCode | undefined
  /** For a person. */
  readonly reason: string
  /**
   * One Yjs V1 update: for `rejected` the refused edits and what built on them, else all that the document held. Never merged
   * by the SDK. Edits that only make sense on the old document may stay pending when applied to the new one.
   */
  readonly update: Uint8Array
}

const ERRORS = {
  rejected: 'rejected',
  unreadable: 'local_copy_failed',
  workspace_deleted: 'workspace_deleted',
  generation_changed: 'generation_changed',
} as const

/** What those who wait for an edit of a replaced document are told. */
export function resetError(cause: SetAsideCause, reason: string): ClientError {
  return new ClientError(ERRORS[cause.cause], reason, cause.cause === 'rejected' ? { rejection: cause.code } : {})
}

/** What a person is told of edits that went with the document: see `SaveStatus`. */
export function lossOf(cause: SetAsideCause): EditsRejectionCode {
  return cause.cause === 'rejected' ? cause.code : (ERRORS[cause.cause] as Exclude<EditsRejectionCode, RejectionCode>)
}

export function isAnythingIn(doc: Y.Doc): boolean {
  return doc.store.clients.size > 0
}
