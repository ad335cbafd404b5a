import type { BlockJson, ContentChange, Json, TextEdit, ToldLists, Unrestorable } from '@joinery/blocks'
import { HistoryPages } from './history-pages.ts'
import type { HistoryRecord, RecordFilter, RecordPage, RecordQuery, RecordSource } from './history-record.ts'
import { askServer, type HistoryRequest, type Question, randomKey } from './history-request.ts'
import type { Workspace } from './workspace.ts'

/** A point of the past: an LSN, or a time (the last record at or before it). */
export type HistoryPoint = number | Date

/** A block as it was. */
export interface PastBlock extends BlockJson {
  /** LSN of the last record that had touched it. */
  readonly version: number
  readonly updatedBy: { readonly source: string; readonly actor: string; readonly at: number } | null
}

export interface PastQuery extends HistoryRequest {
  /** Only blocks after this id. */
  readonly after?: string
  /** Blocks of one page: 1 to 1,000, by default 100. */
  readonly limit?: number
}

export interface PastPage {
  /** Sorted by id. */
  readonly blocks: readonly PastBlock[]
  /** `after` of the next page; undefined at the end. */
  readonly next: string | undefined
}

interface Sides<T> {
  readonly before: T
  readonly after: T
}

/** The entries that differ, for each list of claims under the name by which the server tells of it. */
type ListDifferences = {
  readonly [Name in keyof ToldLists]: readonly ({ readonly [K in ToldLists[Name]['key']]: string } & Sides<
    ToldLists[Name]['shown'] | null
  >)[]
}

/** Differences in one block. A side is null where there was nothing. */
export interface BlockDifference extends ListDifferences {
  readonly id: string
  readonly type?: Sides<string>
  /** `edits` turn the text before into the text after. */
  readonly content?: Sides<string> & { readonly edits: readonly TextEdit[] }
  readonly data: readonly ({ readonly key: string } & Sides<Json>)[]
  /** Changes inside: of texts with marks and embeds, of nested types and of other keys. At most 1,000. */
  readonly changes: readonly ContentChange[]
  readonly changesOmitted: number
}

export interface Difference {
  readonly from: number
  readonly to: number
  readonly added: readonly PastBlock[]
  readonly removed: readonly PastBlock[]
  readonly changed: readonly BlockDifference[]
  /** Changes of edges and of all roots that are no blocks, such as an editor's own document. At most 1,000. */
  readonly changes: readonly ContentChange[]
  readonly changesOmitted: number
}

/** The effects of a restore before it is made. */
export interface RestorePreview {
  /** LSN of the state that would come back. */
  readonly restored: number
  /** Paths that would change. */
  readonly touched: readonly string[]
  /** Blocks whose statuses and indexes come back too, as those of new runs, by the name of the list. */
  readonly statuses: readonly { readonly block: string; readonly list: string }[]
  /** The values and subdocuments that would not come back, up to 1,000. */
  readonly unrestorable: readonly Unrestorable[]
}

export interface Restored extends RestorePreview {
  /** LSN of the edit that restored. */
  readonly lsn: number
}

export interface RestoreOptions extends HistoryRequest {
  /** Calls with the same key restore once; by default each call has its own. */
  readonly key?: string
  /** Restores the rest if something can't come back. Without it, the call then rejects with `not_restorable`, and nothing changes. */
  readonly partial?: boolean
}

/**
 * The history of a workspace: records, past states, differences, and restoring. It asks the server's HTTP API with the identity
 * of the workspace's socket. Every method rejects with a `ClientError` (`unreachable`, `request_refused`) or its signal's reason.
 */
export class WorkspaceHistory implements RecordSource {
  readonly #workspace: Workspace

  /** Use {@link historyOf}. */
  constructor(workspace: Workspace) {
    this.#workspace = workspace
  }

  /** LSN of the last record. */
  async head({ signal }: HistoryRequest = {}): Promise<number> {
    return (await this.#ask<{ lsn: number }>({ path: '', ...(signal && { signal }) })).lsn
  }

  /** One page of the records that are kept. */
  async records({ signal, ...query }: RecordQuery = {}): Promise<RecordPage> {
    const question = { path: '/history', query: { ...query }, ...(signal && { signal }) }
    const { records, next } = await this.#ask<{ records: HistoryRecord[]; next: number | null }>(question)
    return { records, next: next ?? undefined }
  }

  /** One page of the blocks as they were at `point`. */
  async stateAt(point: HistoryPoint, { signal, ...query }: PastQuery = {}): Promise<PastPage> {
    const question = { path: '/blocks', query: { at: textOf(point), ...query }, ...(signal && { signal }) }
    const { blocks, next } = await this.#ask<{ blocks: PastBlock[]; next: string | null }>(question)
    return { blocks, next: next ?? undefined }
  }

  /** Block `id` as it was at `point`. Rejects with the server's `unknown_block` if there was none. */
  blockAt(id: string, point: HistoryPoint, { signal }: HistoryRequest = {}): Promise<PastBlock> {
    return this.#ask({
      path: `/blocks/${encodeURIComponent(id)}`,
      query: { at: textOf(point) },
      ...(signal && { signal }),
    })
  }

  /** The differences between the states at `from` and `to`. */
  difference(from: HistoryPoint, to: HistoryPoint, { signal }: HistoryRequest = {}): Promise<Difference> {
    const query = { from: textOf(from), to: textOf(to) }
    return this.#ask({ path: '/diff', query, ...(signal && { signal }) })
  }

  /**
   * Brings blocks, edges, statuses and all other content back to their state at `lsn` by one new edit, and resolves when that is
   * durable.
   */
  restore(lsn: number, { signal, key, partial = false }: RestoreOptions = {}): Promise<Restored> {
    const body = { lsn, partial }
    return this.#ask({ path: '/restore', body, key: key ?? randomKey(), ...(signal && { signal }) })
  }

  /** Tells what {@link restore} would change, and what would not come back. Changes nothing. */
  previewRestore(lsn: number, { signal }: HistoryRequest = {}): Promise<RestorePreview> {
    return this.#ask({ path: '/restore', body: { lsn, preview: true }, ...(signal && { signal }) })
  }

  /** The records as a list that grows: by older ones on request, and by new ones as they are written. */
  pages(filter: RecordFilter = {}, pageRecords?: number): HistoryPages {
    return new HistoryPages(this.#workspace, this, filter, pageRecords)
  }

  #ask<T>(question: Question): Promise<T> {
    return askServer<T>(this.#workspace.target, question)
  }
}

const histories = new WeakMap<Workspace, WorkspaceHistory>()

/** The history of `workspace`; one object for each. Not a part of `Workspace`: an application without history need not load it. */
export function historyOf(workspace: Workspace): WorkspaceHistory {
  let history = histories.get(workspace)
  if (history === undefined) {
    history = new WorkspaceHistory(workspace)
    histories.set(workspace, history)
  }
  return history
}

function textOf(point: HistoryPoint): string {
  return typeof point === 'number' ? String(point) : point.toISOString()
}
