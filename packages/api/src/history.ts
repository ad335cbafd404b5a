import type { Stamps } from '@joinery/server'
import type * as Y from 'yjs'
import type { LogRecord, WorkspaceId } from './workspace-name.ts'

/** A place in a workspace's past: an LSN, or the last record at or before a time (ms since epoch). */
export type Point = { readonly lsn: number } | { readonly atMs: number }

/** A workspace as it was. The document is the reader's for as long as the callback runs. */
export interface PastState {
  readonly lsn: number
  readonly doc: Y.Doc
  readonly stamps: Stamps
  /** The record at `lsn`; undefined at 0. */
  readonly record: LogRecord | undefined
}

export interface RecordFilter {
  /** Only records that touched this block. */
  readonly block?: string | undefined
  readonly actor?: string | undefined
  readonly source?: string | undefined
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  readonly after?: number | undefined
}

export interface RecordPage {
  readonly records: readonly LogRecord[]
  /** Where the next page starts after; undefined at the end. */
  readonly next: number | undefined
}

/**
 * A workspace's past. What serves it now replays the log; a log with snapshots can serve the same from the nearest one.
 */
export interface History {
  /** Calls `use` with the state at each point, in the order of the log, and resolves with what it returned, in the order asked. Throws `unknown_lsn`. */
  visit<T>(workspace: WorkspaceId, points: readonly Point[], use: (state: PastState) => T): Promise<T[]>
  /** One page of records, oldest first. */
  records(workspace: WorkspaceId, filter: RecordFilter, limit: number): Promise<RecordPage>
}

/** True when the record touched the block or a part of it. */
export function touches({ touched }: Pick<LogRecord, 'touched'>, block: string): boolean {
  return touched.some((path) => path === block || path.startsWith(`${block}/`))
}
