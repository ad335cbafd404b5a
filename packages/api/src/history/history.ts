import type { LongWork } from '@joinery/blocks'
import type { LogRecord, Lsn, Past, Point, Turn, Turns, WorkspaceId, Workspaces } from '@joinery/server'
import { ApiError } from '../api-error.ts'
import { positionOf } from '../known-workspace.ts'
import type { RequestWork, TurnPace } from '../request-work.ts'
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
  readonly pageBytesMax: number
}

/** The past of the workspaces: states, made from the nearest snapshot, and lists of records, read without a document. */
export class History {
  readonly #options: HistoryOptions

  constructor(options: HistoryOptions) {
    this.#options = options
  }

  /**
   * Runs `use` on the workspace as it was, which is in memory as long as that takes, and has a place among all that are. Throws
   * `unknown_workspace`, `unknown_lsn`, `history_dropped`, `busy` or `over_budget`.
   */
  async during<T>(
    workspace: WorkspaceId,
    point: Point,
    work: RequestWork,
    use: (past: Past, pace: TurnPace) => Promise<T>,
  ): Promise<T> {
    const { workspaces, turns } = this.#options
    await this.#assertReached(workspace, point)
    const useIn = async (turn: Turn): Promise<T> => {
      const pace = work.inTurns(turn)
      const past = await workspaces.past(workspace, point, pace)
      try {
        return await use(past, pace)
      } finally {
        past.doc.destroy()
      }
    }
    return await turns.take(useIn, work.payer.principal)
  }

  /** The same for a short work, which is one part. */
  read<T>(workspace: WorkspaceId, point: Point, work: RequestWork, read: (past: Past) => T): Promise<T> {
    return this.during(workspace, point, work, async (past) => work.part(() => read(past)))
  }

  /** The same for a long work, which is done in turns. */
  readInTurns<T>(
    workspace: WorkspaceId,
    point: Point,
    work: RequestWork,
    read: (past: Past) => LongWork<T>,
  ): Promise<T> {
    return this.during(workspace, point, work, (past, pace) => inTurns(read(past), pace))
  }

  /** One page of the kept records, oldest first. It ends with the record that makes it larger than `pageBytesMax`. */
  async records(workspace: WorkspaceId, filter: RecordFilter, limit: number, work: RequestWork): Promise<RecordPage> {
    const after = await this.#startOf(workspace, filter)
    // Many who read at once would each take a part of one turn of the event loop: to unpack a record can take some ms.
    return await this.#options.turns.take(
      (turn) => this.#readPage(workspace, { ...filter, after }, limit, work.inTurns(turn)),
      work.payer.principal,
    )
  }

  async #readPage(
    workspace: WorkspaceId,
    filter: RecordFilter & { readonly after: Lsn },
    limit: number,
    pace: TurnPace,
  ): Promise<RecordPage> {
    const { workspaces, pageRecordsMax, pageBytesMax } = this.#options
    const { after, toMs = Number.POSITIVE_INFINITY } = filter
    const records: LogRecord[] = []
    let seen = 0
    let bytes = 0
    for await (const record of pacedFor(workspaces.records(workspace, { after }), pace)) {
      if (record.at > toMs) break
      seen++
      if (passes(record, filter)) {
        records.push(record)
        bytes += record.update.length
        for (const path of record.touched) bytes += path.length
      }
      if (records.length >= limit || seen >= pageRecordsMax || bytes > pageBytesMax)
        return { records, next: record.lsn }
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
