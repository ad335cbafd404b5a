import type { Refusal, Writer } from '../content/document-rules.ts'
import type { Clocks } from '../content/waiting-structs.ts'
import type { RoomEdit } from './room-edit.ts'

/** A Yjs update that a program brings in for a writer, under the rules that hold for the writer's own connections. */
export interface BroughtUpdate {
  readonly writer: Writer
  /** The principal whose quotas count; nobody's by default. */
  readonly principal?: string
  /** The record's `connection`. */
  readonly via: string
  /** Idempotency key: see {@link RoomEdit.idempotencyKey}. */
  readonly idempotencyKey?: string
  /** True when the answer waits for an fsync, whatever the store's durability. */
  readonly sync?: boolean
  /** Appends to other logs what belongs to the update: see {@link RoomEdit.beside}. */
  readonly beside?: RoomEdit<unknown>['beside']
  /** One Yjs V1 update. */
  readonly update: Uint8Array
}

/** The reason why a brought update is refused: one of a connection's, or edits that it builds on are missing. */
export type BringRefusal = Refusal | MissingEdits

/** The refusal of an update that builds on edits which neither it nor the workspace has. A connection's would wait for them. */
export interface MissingEdits {
  readonly code: 'missing_edits'
  readonly reason: string
  /** The clocks that the workspace would have to reach, by Yjs client id. */
  readonly missing: Clocks
}

export function missingEdits(missing: Clocks): MissingEdits {
  const [client, clock] = [...missing][0] ?? []
  const reason = `the update builds on edits that were not sent: client ${client} up to clock ${clock}; send them first, or with it`
  return { code: 'missing_edits', reason, missing }
}
