import type { EventStore, LogRecord } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { decodeExtent } from '../records/extent.ts'
import { extentKey, workspaceKey } from '../records/key.ts'
import { decodeWorkspaceIdentity } from '../records/workspace-identity.ts'
import { levelStoreOf } from '../store/level-store.ts'
import { readStoredRecords } from '../store/stored-records.ts'
import { headOf } from './export-archive.ts'

/** Filter of records. A record has to match every field that is given. */
export interface HistoryQuery {
  readonly workspace: string
  /** A touched path, or one above it: `note` matches `note/content`. */
  readonly touched?: string
  readonly actor?: string
  readonly source?: string
  /** Time of the record, ms since epoch: at or after `since`, and before `until`. */
  readonly since?: number
  readonly until?: number
  /** Most records to give: the last ones. */
  readonly limit: number
}

/** A record without its update. */
export type HistoryRow = Omit<LogRecord, 'update'> & { readonly updateBytes: number }

/**
 * Records of a workspace, deleted or not, oldest first. Traffic goes on meanwhile. Throws `invalid` for one that does
 * not exist, and `corrupted`.
 */
export async function readHistory(store: EventStore, query: HistoryQuery, signal?: AbortSignal): Promise<HistoryRow[]> {
  const { workspace, limit } = query
  const moment = levelStoreOf(store).disk.pin()
  try {
    const value = await moment.get(workspaceKey(workspace))
    if (value === undefined) throw new LogError('invalid', `there is no workspace ${workspace}`, { workspace })
    const { number } = decodeWorkspaceIdentity(workspace, value)
    const log = { workspace, number, moment }
    const extent = decodeExtent(workspace, number, await moment.get(extentKey(number)))
    let rows: HistoryRow[] = []
    for await (const { update, ...record } of readStoredRecords(log, extent.firstLsn, await headOf(log, extent))) {
      signal?.throwIfAborted()
      if (!isWanted(record, query)) continue
      rows.push({ ...record, updateBytes: update.byteLength })
      // Cut now and then rather than at each record: the list stays within twice the limit.
      if (rows.length >= 2 * limit) rows = rows.slice(-limit)
    }
    return rows.slice(-limit)
  } finally {
    await moment.close()
  }
}

function isWanted({ at, actor, source, touched }: Omit<LogRecord, 'update'>, query: HistoryQuery): boolean {
  if (query.actor !== undefined && actor !== query.actor) return false
  if (query.source !== undefined && source !== query.source) return false
  if (query.since !== undefined && at < query.since) return false
  if (query.until !== undefined && at >= query.until) return false
  const path = query.touched
  return path === undefined || touched.some((each) => each === path || each.startsWith(`${path}/`))
}
