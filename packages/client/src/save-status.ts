import type { RejectionCode } from '@joinery/protocol'
import type { RefusalCode } from './client-error.ts'
import { isShallowEqual, ObservableValue } from './observable-value.ts'

/**
 * What a person may be told about their edits. More arms may come: treat an unknown `state` like `saving`. `pending` counts the edits not known to be durable on the server; what was found in the local
 * copy counts as one until a server has confirmed it.
 */
export type SaveStatus =
  /** Connected, and everything written here is durable on the server. */
  | { readonly state: 'saved' }
  /** Connected, and not (yet) so. `pending` is 0 while a new connection still compares both sides. */
  | { readonly state: 'saving'; readonly pending: number }
  | {
      readonly state: 'offline'
      readonly pending: number
      /** Whether the pending edits would outlive this tab or process: all of them are in the local copy. */
      readonly isKeptHere: boolean
      readonly cause: 'connecting' | 'waiting' | 'closed'
      /** What the last attempt ran into, for a person; undefined on the first. */
      readonly reason: string | undefined
    }
  /** Connected, but the server takes nothing now (its disk is full): edits are kept, and sent when it asks for them again. */
  | {
      readonly state: 'held'
      readonly pending: number
      readonly isKeptHere: boolean
      readonly code: RejectionCode
      readonly reason: string
    }
  /** Edits were set aside, and are no longer in the document. Stays until `acknowledgeRejection()`: a person has to have seen it. */
  | {
      readonly state: 'rejected'
      readonly what: 'edits'
      readonly code: EditsRejectionCode
      readonly reason: string
      readonly pending: number
    }
  /** The server refused the connection. Edits stay pending; nothing is tried again before `reconnect()`. */
  | {
      readonly state: 'rejected'
      readonly what: 'connection'
      readonly code: RefusalCode
      readonly reason: string
      readonly pending: number
    }

/** Why edits were set aside: what the server said of them, or what became of the document they were made on. */
export type EditsRejectionCode = RejectionCode | 'generation_changed' | 'workspace_deleted' | 'local_copy_failed'

/** Where the one connection of a replica stands. */
export type ConnectionState =
  | { readonly state: 'connecting'; readonly reason: string | undefined }
  | { readonly state: 'waiting'; readonly reason: string | undefined }
  | { readonly state: 'connected' }
  | { readonly state: 'refused'; readonly code: RefusalCode; readonly reason: string }
  | { readonly state: 'closed' }

/** Everything the status is made of. */
export interface SaveFacts {
  readonly connection: ConnectionState
  readonly pending: number
  /** Whether the server has made durable what this connection's sync brought. */
  readonly isCaughtUp: boolean
  readonly isKeptHere: boolean
  /** Why the server takes no updates now; undefined while it does. */
  readonly hold: { readonly code: RejectionCode; readonly reason: string } | undefined
  /** Edits set aside, which nobody has acknowledged. */
  readonly rejection: { readonly code: EditsRejectionCode; readonly reason: string } | undefined
}

/** Folds the facts into what is shown. Worst news first: a refused connection hides that edits were refused, not the reverse. */
export function saveStatusOf({ connection, pending, isCaughtUp, isKeptHere, hold, rejection }: SaveFacts): SaveStatus {
  if (connection.state === 'refused') {
    return { state: 'rejected', what: 'connection', code: connection.code, reason: connection.reason, pending }
  }
  if (rejection !== undefined) {
    return { state: 'rejected', what: 'edits', code: rejection.code, reason: rejection.reason, pending }
  }
  if (connection.state !== 'connected') {
    const reason = connection.state === 'closed' ? undefined : connection.reason
    return { state: 'offline', pending, isKeptHere, cause: connection.state, reason }
  }
  if (hold !== undefined) return { state: 'held', pending, isKeptHere, ...hold }
  return pending === 0 && isCaughtUp ? { state: 'saved' } : { state: 'saving', pending }
}

/** The store behind `workspace.saveStatus`. */
export function createSaveStatus(): ObservableValue<SaveStatus> {
  const initial: SaveStatus = {
    state: 'offline',
    pending: 0,
    isKeptHere: false,
    cause: 'connecting',
    reason: undefined,
  }
  return new ObservableValue<SaveStatus>(initial, isShallowEqual)
}
