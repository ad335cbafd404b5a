import type { RejectionCode } from '@joinery/protocol'
import type { RefusalCode } from './client-error.ts'
import { isShallowEqual, ObservableValue } from './observable-value.ts'

/**
 * What to tell a person about their edits. Further states may be added: treat an unknown `state` like `saving`. `pending` counts
 * the edits that are not known to be durable on the server. The content of the local copy counts as one edit until a server
 * has confirmed it.
 */
export type SaveStatus =
  /** Connected; everything written here is durable on the server. */
  | { readonly state: 'saved' }
  /** Connected; not everything is durable yet. `pending` is 0 while a new connection compares both sides. */
  | {
      readonly state: 'saving'
      readonly pending: number
      /** While the server reaches no other machine of its cluster: edits are on one machine alone, and are not called saved. */
      readonly isAlone?: true
    }
  | {
      readonly state: 'offline'
      readonly pending: number
      /** Whether the local copy holds all pending edits, so that they outlive this tab. */
      readonly isKeptHere: boolean
      readonly cause: 'connecting' | 'waiting' | 'closed'
      /** Why the last attempt failed, for a person; undefined on the first attempt. */
      readonly reason: string | undefined
    }
  /** Connected, but the server accepts no edits now (its disk is full). Edits are kept, and sent when it accepts them again. */
  | {
      readonly state: 'held'
      readonly pending: number
      readonly isKeptHere: boolean
      readonly code: RejectionCode
      readonly reason: string
    }
  /** Edits were set aside and are no longer in the document. Stays until `acknowledgeRejection()`: a person must see it. */
  | {
      readonly state: 'rejected'
      readonly what: 'edits'
      readonly code: EditsRejectionCode
      readonly reason: string
      readonly pending: number
    }
  /** The server refused the connection. Edits stay pending; the client does not connect again before `reconnect()`. */
  | {
      readonly state: 'rejected'
      readonly what: 'connection'
      readonly code: RefusalCode
      readonly reason: string
      readonly pending: number
    }

/** Why edits were set aside: the server's code, or what happened to their document. */
export type EditsRejectionCode =
  | RejectionCode
  | 'generation_changed'
  | 'workspace_deleted'
  | 'local_copy_failed'
  | 'actor_changed'

/** State of a replica's connection. */
export type ConnectionState =
  | { readonly state: 'connecting'; readonly reason: string | undefined }
  | { readonly state: 'waiting'; readonly reason: string | undefined }
  | { readonly state: 'connected' }
  | { readonly state: 'refused'; readonly code: RefusalCode; readonly reason: string }
  | { readonly state: 'closed' }

/** The facts that the save status is computed from. */
export interface SaveFacts {
  readonly connection: ConnectionState
  readonly pending: number
  /** Whether the answer to SyncStep1 of this connection is durable on the server. */
  readonly isCaughtUp: boolean
  readonly isKeptHere: boolean
  /** Why the server accepts no edits now; undefined while it does. */
  readonly hold: { readonly code: RejectionCode; readonly reason: string } | undefined
  /** Whether the server takes edits, and reaches no other machine of its cluster now. */
  readonly isAlone: boolean
  /** Why edits were set aside; undefined once a person has acknowledged it. */
  readonly rejection: { readonly code: EditsRejectionCode; readonly reason: string } | undefined
}

/** Computes the save status. The worst news wins: a refused connection hides refused edits, not the reverse. */
export function saveStatusOf(facts: SaveFacts): SaveStatus {
  const { connection, pending, isCaughtUp, isKeptHere, hold, isAlone, rejection } = facts
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
  return pending === 0 && isCaughtUp ? { state: 'saved' } : { state: 'saving', pending, ...(isAlone && { isAlone }) }
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
