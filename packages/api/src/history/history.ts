import type { LogRecord, Lsn, Past, Point, Turns, WorkspaceId, Workspaces } from '@joinery/server'
import { ApiError } from '../api-error.ts'
import { positionOf } from '../known-workspace.ts'
import { paced } from './paced.ts'

/** A record without its bytes. */
export type RecordHead = Omit<LogRecord, 'update'>

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

export interface HistoryOptions {
  readonly workspaces: Workspaces
  readonly turns: Turns
  readonly pageRecordsMax: number
}

/** The past of the workspaces: states, made from the nearest snapshot, and records, read without any document. */
export class History {
  readonly #options: HistoryOptions

  constructor(options: HistoryOptions) {
    this.#options = options
  }

  /** The workspace as it was; the document is the caller's to destroy. Throws `unknown_workspace`, `unknown_lsn`, `history_dropped`, `busy`. */
  async open(workspace: WorkspaceId, point: Point): Promise<Past> {
    const { workspaces, turns } = this.#options
    const { head } = await positionOf(workspaces, workspace)
    if ('lsn' in point && point.lsn > head)
      throw new ApiError('unknown_lsn', `the log ends at ${head}, before ${point.lsn}`, { details: { head } })
    return await turns.take(() => workspaces.past(workspace, point))
  }

  /** What `read` sees of the workspace as it was: see {@link open}. */
  async read<T>(workspace: WorkspaceId, point: Point, read: (past: Past) => T): Promise<T> {
    const past = await this.open(workspace, point)
    try {
      return read(past)
    } finally {
      past.doc.destroy()
    }
  }

  /** One page of the records that are kept, oldest first. */
  async records(workspace: WorkspaceId, filter: RecordFilter, limit: number): Promise<RecordPage> {
    const { workspaces, pageRecordsMax } = this.#options
    const { toMs = Number.POSITIVE_INFINITY } = filter
    const after = await this.#startOf(workspace, filter)
    const records: LogRecord[] = []
    let seen = 0
    for await (const record of paced(workspaces.records(workspace, { after }))) {
      if (record.at > toMs) break
      if (passes(record, filter)) records.push(record)
      seen++
      if (records.length >= limit || seen >= pageRecordsMax) return { records, next: record.lsn }
    }
    return { records, next: undefined }
  }

  /** One record. Throws `history_dropped` when it is no longer kept. */
  async recordAt(workspace: WorkspaceId, lsn: number): Promise<LogRecord> {
    const { workspaces } = this.#options
    const { firstLsn } = await workspaces.position(workspace)
    if (lsn < firstLsn) throw historyDropped(firstLsn, lsn)
    const range = { after: (lsn - 1) as Lsn, through: lsn as Lsn }
    for await (const record of workspaces.records(workspace, range)) return record
    throw new ApiError('internal', `record ${lsn} was written and is not in the log`)
  }

  /** Everything at or before it is of no interest. */
  async #startOf(workspace: WorkspaceId, { after = 0, fromMs }: RecordFilter): Promise<Lsn> {
    const { workspaces } = this.#options
    const { firstLsn } = await positionOf(workspaces, workspace)
    const before = fromMs === undefined ? 0 : await workspaces.lsnAt(workspace, fromMs - 1)
    return Math.max(after, before, firstLsn - 1) as Lsn
  }
}

export function historyDropped(firstLsn: number, lsn: number): ApiError {
  return new ApiError('history_dropped', `history is kept from ${firstLsn} on: ${lsn} is no longer known`, {
    details: { first: firstLsn },
  })
}

/** True when the record touched the block or a part of it. */
export function touches({ touched }: Pick<LogRecord, 'touched'>, block: string): boolean {
  return touched.some((path) => path === block || path.startsWith(`${block}/`))
}

function passes(record: LogRecord, { block, actor, source }: RecordFilter): boolean {
  if (actor !== undefined && record.actor !== actor) return false
  if (source !== undefined && record.source !== source) return false
  return block === undefined || touches(record, block)
}
