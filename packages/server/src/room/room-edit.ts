import type { LogRecord, WorkspaceLog } from '@joinery/log'
import type * as Y from 'yjs'
import type { Writer } from '../content/document-rules.ts'
import type { RoomDocument } from '../content/room-document.ts'
import type { Audience } from './fan-out.ts'
import type { Member } from './member.ts'

/** An edit by a program inside the server. */
export interface RoomEdit<T> {
  /** Who it is made for: the record bears these. */
  readonly writer: Pick<Writer, 'actor' | 'source'>
  /** Stands in the record where a socket's has its connection's id. */
  readonly via: string
  /** Stands in the record, and makes the edit once: see {@link Workspaces.write}. */
  readonly idempotencyKey?: string
  /** The answer waits for an fsync, whatever the store's durability. */
  readonly sync?: boolean
  /** Edits the live document, in one transaction. What it throws costs a rebuild of the document: check first. */
  run(doc: Y.Doc): T
}

/** What an edit came to. */
export interface RoomEdited<T> {
  /** What `run` returned. */
  readonly value: T
  /** What the log has of it; undefined when there was nothing to write. */
  readonly record: LogRecord | undefined
  /** Of that record; the log's head without one. */
  readonly lsn: number
  /** Resolves when the record is as durable as promised, or as asked for; without one, when all before it is. */
  readonly durable: Promise<void>
}

/** The room that an edit is made in. */
export interface WritePlace {
  readonly log: WorkspaceLog
  readonly document: RoomDocument
  readonly audience: Audience
}

/** An update that a socket brought under an idempotency key, which the log does not know. */
export interface KeyedUpdate {
  readonly member: Member
  readonly key: string
  readonly update: Uint8Array
}
