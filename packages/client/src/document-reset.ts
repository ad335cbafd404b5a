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
  /**
   * The id of a block by name was another writer's. The document is made anew: the block gets another id, and has everything
   * that was written in it as soon as the server has answered. `isRefused`: the server has refused edits in the block.
   */
  | { readonly cause: 'rebuilding'; readonly reason: string; readonly isRefused: boolean }

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
  rebuilding: 'rejected',
} as const

/** What to tell a person. */
export function reasonOf(cause: ResetCause): string {
  if (cause.cause === 'generation_changed')
    return 'the workspace on the server is another one than this copy was made of'
  if (cause.cause === 'actor_changed') return `you are ${cause.actor} now: what was written before was not sent`
  return cause.reason
}

/** Why the local copy is set aside. While a document is made anew, its edits count as refused: they stay if that fails. */
export function asideCause(cause: Exclude<ResetCause, { cause: 'actor_changed' }>, update: Uint8Array): SetAsideCause {
  if (cause.cause !== 'rebuilding') return cause
  return { cause: 'rejected', code: 'client_id_owned', reason: cause.reason, update }
}

/** The error for callers that wait for an edit of the replaced document. */
export function resetError(cause: ResetCause): ClientError {
  return new ClientError(
    ERRORS[cause.cause],
    reasonOf(cause),
    cause.cause === 'rejected' ? { rejection: cause.code } : {},
  )
}

/** Whether a person has to hear that edits went with the document. `pending` of them are not known to be durable. */
export function isLoss(
  { cause }: ResetCause,
  { doc, pending }: { readonly doc: Y.Doc; readonly pending: number },
): boolean {
  // The next document gets them.
  if (cause === 'rebuilding') return false
  // Nothing is lost if the document was empty, or if the deleted workspace had all of it.
  if (cause === 'workspace_deleted') return pending > 0
  return cause === 'actor_changed' ? pending > 0 && isWrittenHere(doc) : isAnythingIn(doc)
}

/** The code that `SaveStatus` shows for edits that were lost with the document. */
export function lossOf(cause: ResetCause): EditsRejectionCode {
  return cause.cause === 'rejected' ? cause.code : (ERRORS[cause.cause] as Exclude<EditsRejectionCode, RejectionCode>)
}

/** Whether a person wrote into the document here, since it was made. */
function isWrittenHere(doc: Y.Doc): boolean {
  return doc.store.clients.has(doc.clientID)
}

export function isAnythingIn(doc: Y.Doc): boolean {
  return doc.store.clients.size > 0
}
