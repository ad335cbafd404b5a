import type { ContentChange } from '@joinery/blocks'
import type { HistoryRequest } from './history-request.ts'

/** One record of the server's log: who wrote what, and when. */
export interface HistoryRecord {
  readonly lsn: number
  /** Server time, ms since epoch. */
  readonly at: number
  readonly actor: string
  readonly source: string
  readonly connection: string
  /** True when the edits may be others' than the actor's, who sent them: a peer may have made them, or who used the tab before. */
  readonly mayBeOthers?: boolean
  /** `block`, `block/part` or deeper. */
  readonly touched: readonly string[]
  /** Names of the fields that it set, up to eight. Absent from a server that does not tell. */
  readonly fields?: readonly string[]
  /** False for a record that deleted, and wrote nothing. Absent from a server that does not tell. */
  readonly writes?: boolean
  /** Size of the record's update. */
  readonly bytes: number
  /** With `as: 'changes'`: what the record changed inside contents, data, edges and other roots. At most 100. */
  readonly changes?: readonly ContentChange[]
  readonly changesOmitted?: number
  /** With `as: 'clients'`: the Yjs client ids under which the record wrote. Absent for a record too large to be read. */
  readonly clients?: readonly number[]
}

/** Selects records. */
export interface RecordFilter {
  /** Only those that touched this block. */
  readonly block?: string
  readonly actor?: string
  readonly source?: string
}

export interface RecordQuery extends RecordFilter, HistoryRequest {
  /** Only records after this LSN, by default 0. */
  readonly after?: number
  /** Records of one page, 1 to 1,000; by default 100. */
  readonly limit?: number
  /** Adds to each record its changes, for which the server replays the page, or the client ids under which it wrote. */
  readonly as?: 'changes' | 'clients'
}

export interface RecordPage {
  /** Oldest first. */
  readonly records: readonly HistoryRecord[]
  /** `after` of the next page; undefined at the end. A page with a `next` may be empty. */
  readonly next: number | undefined
}

/** A source of records: the server's HTTP API. */
export interface RecordSource {
  /** LSN of the last record. */
  head(request?: HistoryRequest): Promise<number>
  /** One page of the records that are kept. */
  records(query?: RecordQuery): Promise<RecordPage>
}
