import { Stamps, type Workspaces } from '@joinery/server'
import * as Y from 'yjs'
import { ApiError } from './api-error.ts'
import { type History, type PastState, type Point, type RecordFilter, type RecordPage, touches } from './history.ts'
import { paced } from './paced.ts'
import type { ReplayTurns } from './replay-turns.ts'
import type { LogRecord, Lsn, WorkspaceId } from './workspace-name.ts'

export interface ReplayedHistoryOptions {
  readonly workspaces: Workspaces
  readonly turns: ReplayTurns
  readonly pageRecordsMax: number
}

/** The past, made from the log's records from the first one on: exact, and as slow as the log is long. */
export class ReplayedHistory implements History {
  readonly #options: ReplayedHistoryOptions

  constructor(options: ReplayedHistoryOptions) {
    this.#options = options
  }

  async visit<T>(workspace: WorkspaceId, points: readonly Point[], use: (state: PastState) => T): Promise<T[]> {
    const head = await this.#options.workspaces.read(workspace, (view) => view.head)
    for (const point of points) {
      if ('lsn' in point && point.lsn > head)
        throw new ApiError('unknown_lsn', `the log ends at ${head}, before ${point.lsn}`, { details: { head } })
    }
    return this.#options.turns.take(() => this.#replay(workspace, points, head, use))
  }

  async #replay<T>(workspace: WorkspaceId, points: readonly Point[], head: number, use: (state: PastState) => T) {
    const replay = new Replay()
    const results: T[] = []
    const open = new Map(points.entries())
    const visitUntil = (next: LogRecord | undefined): void => {
      for (const [index, point] of open) {
        if (next !== undefined && !isBefore(point, next)) continue
        results[index] = use(replay.state())
        open.delete(index)
      }
    }
    try {
      const through = Math.max(...points.map((point) => ('lsn' in point ? point.lsn : head))) as Lsn
      for await (const record of paced(this.#options.workspaces.records(workspace, { through }))) {
        visitUntil(record)
        if (open.size === 0) return results
        replay.take(record)
      }
      visitUntil(undefined)
      return results
    } finally {
      replay.end()
    }
  }

  async records(workspace: WorkspaceId, filter: RecordFilter, limit: number): Promise<RecordPage> {
    const records: LogRecord[] = []
    const { after = 0, toMs = Number.POSITIVE_INFINITY } = filter
    let seen = 0
    for await (const record of paced(this.#options.workspaces.records(workspace, { after: after as Lsn }))) {
      if (record.at > toMs) break
      if (passes(record, filter)) records.push(record)
      seen++
      if (records.length >= limit || seen >= this.#options.pageRecordsMax) return { records, next: record.lsn }
    }
    return { records, next: undefined }
  }
}

/** A document that takes in one record after the other. */
class Replay {
  readonly #doc = new Y.Doc()
  readonly #stamps = new Stamps()
  #record: LogRecord | undefined

  get lsn(): number {
    return this.#record?.lsn ?? 0
  }

  take(record: LogRecord): void {
    Y.applyUpdate(this.#doc, record.update)
    this.#stamps.note(record)
    this.#record = record
  }

  state(): PastState {
    return { lsn: this.lsn, doc: this.#doc, stamps: this.#stamps, record: this.#record }
  }

  end(): void {
    this.#doc.destroy()
  }
}

/** Whether the point lies before this record. */
function isBefore(point: Point, record: LogRecord): boolean {
  return 'lsn' in point ? point.lsn < record.lsn : point.atMs < record.at
}

function passes(record: LogRecord, { block, actor, source, fromMs = 0 }: RecordFilter): boolean {
  if (record.at < fromMs) return false
  if (actor !== undefined && record.actor !== actor) return false
  if (source !== undefined && record.source !== source) return false
  return block === undefined || touches(record, block)
}
