import type { LogRecord, Receipt, WorkspaceLog } from '@joinery/log'
import type * as Y from 'yjs'
import type { Writer } from '../content/document-rules.ts'
import type { RoomDocument } from '../content/room-document.ts'
import type { Audience } from './fan-out.ts'
import type { Member } from './member.ts'

/** An edit by a program inside the server. */
export interface RoomEdit<T> {
  /** The writer that the record is stamped with. */
  readonly writer: Pick<Writer, 'actor' | 'source'>
  /** The principal whose quotas count; nobody's by default. */
  readonly principal?: string
  /** The record's `connection`. For a socket's update that is the connection's id. */
  readonly via: string
  /** Idempotency key, stored in the record. The edit is made once for each key: see {@link Workspaces.write}. */
  readonly idempotencyKey?: string
  /** True when the answer waits for an fsync, whatever the store's durability. */
  readonly sync?: boolean
  /**
   * Edits the live document, in one transaction. An error costs a rebuild of the document: check before the first
   * change.
   */
  run(doc: Y.Doc): T
  /**
   * Appends to other logs what belongs to the edit. Called in the turn of the edit, right after its record is appended, and
   * with undefined if the edit changed nothing. Its appends are one write with the record: after a crash all of them are
   * there or none. If it throws, nothing of the edit is logged or shown, the document is rebuilt, and {@link Workspaces.write}
   * rejects with the error. It must not await anything. The repeat of a keyed edit does not call it.
   *
   * @returns the receipt of its last append: the write resolves when that is durable, too
   */
  beside?(record: LogRecord | undefined): Pick<Receipt, 'durable'> | undefined
}

/** Result of an edit. */
export interface RoomEdited<T> {
  /** The value that `run` returned. */
  readonly value: T
  /** The edit's record in the log; undefined when there was nothing to write. */
  readonly record: LogRecord | undefined
  /** LSN of the edit's record; without a record, the log's head. */
  readonly lsn: number
  /**
   * Resolves when the record is as durable as promised, or as asked for; without a record, when everything before is.
   */
  readonly durable: Promise<void>
}

/** The room that an edit is made in. */
export interface WritePlace {
  readonly log: WorkspaceLog
  readonly document: RoomDocument
  readonly audience: Audience
}

/** An update that a client sent under an idempotency key that the log does not have yet. */
export interface KeyedUpdate {
  readonly member: Member
  readonly key: string
  readonly update: Uint8Array
  /** True when the update was tried on a copy of the document. */
  readonly isTried: boolean
}

/** A keyed update of which nothing is done yet: it builds on edits that have not arrived. */
export interface Lacking {
  /** Resolves when the document shows them, or when the member has left. */
  readonly shown: Promise<void>
}
