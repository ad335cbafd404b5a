import type { LongWork } from '@joinery/blocks'
import type { LogRecord, Lsn, Past, Point, Turn, Turns, WorkspaceId, Workspaces } from '@joinery/server'
import { ApiError } from '../api-error.ts'
import { positionOf } from '../known-workspace.ts'
import type { RequestWork } from '../request-work.ts'
import { inTurns, pacedFor } from './paced.ts'

/** A record without its update. */
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
  /** LSN after which the next page starts; undefined on the last page. */
  readonly next: number | undefined
}

export interface HistoryOptions {
  readonly workspaces: Workspaces
  readonly turns: Turns
  readonly pageRecordsMax: number
}

/** The past of the workspaces: states, made from the nearest snapshot, and lists of records, read without a document. */
export class History {
  readonly #options: HistoryOptions

  constructor(options: HistoryOptions) {
    this.#options = options
  }

  /**
   * The workspace as it was. The caller destroys the document. Throws `unknown_workspace`, `unknown_lsn`,
   * `history_dropped`, `busy` or `over_budget`.
   */
  async open(workspace: WorkspaceId, point: Point, work: RequestWork): Promise<Past> {
    const { workspaces, turns } = this.#options
    await this.#assertReached(workspace, point)
    return await turns.take((turn) => workspaces.past(workspace, point, work.inTurns(turn)), work.payer.principal)
  }

  /** Runs `read` on the workspace as it was: see {@link open}. */
  async read<T>(workspace: WorkspaceId, point: Point, work: RequestWork, read: (past: Past) => T): Promise<T> {
    const past = await this.open(workspace, point, work)
    try {
      return work.part(() => read(past))
    } finally {
      past.doc.destroy()
    }
  }

  /**
   * The same for long work on the workspace as it was, which is done in turns. The workspace is open as long as the work takes, and
   * counts among those of {@link open}.
   */
  async readInTurns<T>(
    workspace: WorkspaceId,
    point: Point,
    work: RequestWork,
    read: (past: Past) => LongWork<T>,
  ): Promise<T> {
    const { workspaces, turns } = this.#options
    await this.#assertReached(workspace, point)
    const readIn = async (turn: Turn): Promise<T> => {
      const pace = work.inTurns(turn)
      const past = await workspaces.past(workspace, point, pace)
      try {
        return await inTurns(read(past), pace)
      } finally {
        past.doc.destroy()
      }
    }
    return await turns.take(readIn, work.payer.principal)
  }

  /** One page of the kept records, oldest first. */
  async records(workspace: WorkspaceId, filter: RecordFilter, limit: number, work: RequestWork): Promise<RecordPage> {
    const { workspaces, pageRecordsMax } = this.#options
    const { toMs = Number.POSITIVE_INFINITY } = filter
    const after = await this.#startOf(workspace, filter)
    const records: LogRecord[] = []
    let seen = 0
    for await (const record of pacedFor(workspaces.records(workspace, { after }), work)) {
      if (record.at > toMs) break
      if (passes(record, filter)) records.push(record)
      seen++
      if (records.length >= limit || seen >= pageRecordsMax) return { records, next: record.lsn }
    }
    return { records, next: undefined }
  }

  /** One record. Throws `history_dropped` when it was dropped. */
  async recordAt(workspace: WorkspaceId, lsn: number): Promise<LogRecord> {
    const { workspaces } = this.#options
    const { firstLsn } = await workspaces.position(workspace)
    if (lsn < firstLsn) throw historyDropped(firstLsn, lsn)
    const range = { after: (lsn - 1) as Lsn, through: lsn as Lsn }
    for await (const record of workspaces.records(workspace, range)) return record
    throw new ApiError('internal', `record ${lsn} was written, but is not in the log`)
  }

  async #assertReached(workspace: WorkspaceId, point: Point): Promise<void> {
    const { head } = await positionOf(this.#options.workspaces, workspace)
    if (!('lsn' in point) || point.lsn <= head) return
    throw new ApiError('unknown_lsn', `the log ends at ${head}, before ${point.lsn}: ask for an earlier point`, {
      details: { head },
    })
  }

  /** LSN after which the records of interest begin. */
  async #startOf(workspace: WorkspaceId, { after = 0, fromMs }: RecordFilter): Promise<Lsn> {
    const { workspaces } = this.#options
    const { firstLsn } = await positionOf(workspaces, workspace)
    const before = fromMs === undefined ? 0 : await workspaces.lsnAt(workspace, fromMs - 1)
    return Math.max(after, before, firstLsn - 1) as Lsn
  }
}

export function historyDropped(firstLsn: number, lsn: number): ApiError {
  return new ApiError('history_dropped', `record ${lsn} was dropped: history is kept from ${firstLsn} on`, {
    details: { first: firstLsn },
  })
}

/** True for a record that touched the block or a part of it. */
export function touches({ touched }: Pick<LogRecord, 'touched'>, block: string): boolean {
  return touched.some((path) => path === block || path.startsWith(`${block}/`))
}

function passes(record: LogRecord, { block, actor, source }: RecordFilter): boolean {
  if (actor !== undefined && record.actor !== actor) return false
  if (source !== undefined && record.source !== source) return false
  return block === undefined || touches(record, block)
}
