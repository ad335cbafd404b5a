import type { RejectionCode } from '@joinery/protocol'
import type * as Y from 'yjs'
import { ClientError } from './client-error.ts'
import type { EditsRejectionCode } from './save-status.ts'

/** Why a document was replaced and its local copy set aside. */
export type SetAsideCause =
  /** The server's workspace is not the one that the copy was made of: it was deleted and created again, or restored. */
  | { readonly cause: 'generation_changed'; readonly generation: string | undefined }
  /** The workspace was deleted on the server. */
  | { readonly cause: 'workspace_deleted'; readonly reason: string }
  /** The server refused edits; `update` holds them, as one Yjs V1 update on top of what the server has. */
  | { readonly cause: 'rejected'; readonly code: RejectionCode; readonly reason: string; readonly update: Uint8Array }
  /** IndexedDB returned bytes that are no Yjs update. */
  | { readonly cause: 'unreadable'; readonly reason: string }

/** Why a document was replaced. */
export type ResetCause =
  | SetAsideCause
  /** The server lets another actor in. The edits of the earlier actor stay in their local copy, and are sent when they are back. */
  | { readonly cause: 'actor_changed'; readonly actor: string }

/** The event that `workspace.doc` was replaced. `update` holds the edits that the server does not have. */
export interface Reset {
  readonly cause: ResetCause['cause']
  /** For `rejected`: what the server said. */
  readonly code: RejectionCode | undefined
  /** For a person. */
  readonly reason: string
  /**
   * One Yjs V1 update: for `rejected` the refused edits and the edits that built on them, else the whole old document. The SDK
   * never merges it. Yjs may keep edits pending when they are applied to the new document, if they need parts of the old one.
   */
  readonly update: Uint8Array
}

const ERRORS = {
  rejected: 'rejected',
  unreadable: 'local_copy_failed',
  workspace_deleted: 'workspace_deleted',
  generation_changed: 'generation_changed',
  actor_changed: 'actor_changed',
} as const

/** The error for callers that wait for an edit of the replaced document. */
export function resetError(cause: ResetCause, reason: string): ClientError {
  return new ClientError(ERRORS[cause.cause], reason, cause.cause === 'rejected' ? { rejection: cause.code } : {})
}

/** The code that `SaveStatus` shows for edits that were lost with the document. */
export function lossOf(cause: ResetCause): EditsRejectionCode {
  return cause.cause === 'rejected' ? cause.code : (ERRORS[cause.cause] as Exclude<EditsRejectionCode, RejectionCode>)
}

/** Whether a person wrote into the document here, since it was made. */
export function isWrittenHere(doc: Y.Doc): boolean {
  return doc.store.clients.has(doc.clientID)
}

export function isAnythingIn(doc: Y.Doc): boolean {
  return doc.store.clients.size > 0
}
