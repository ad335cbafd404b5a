import type { LogEntry, Receipt, WorkspaceLog } from '../event-store.ts'

/** Logs that one turn appends to together: workspaces and system logs, one of them with large records. */
export const TEAMS = {
  two: ['two/a', '!two/a'],
  five: ['five/a', '!five/a', '!five', 'five/b', 'five/large'],
} as const

export type TeamName = keyof typeof TEAMS

/** Number of records that a turn (from 1) appends to the log at this place of its team. */
export function turnShare(place: number, turn: number): number {
  return 1 + ((place + turn) % 3)
}

/** Appends one turn's records to each log of a team. Returns the last receipt of each log. */
export function appendTurn(
  logs: readonly WorkspaceLog[],
  turn: number,
  entryOf: (workspace: string, lsn: number) => LogEntry,
): Receipt[] {
  return logs.map((log, place) => {
    let last: Receipt | undefined
    for (let n = 0; n < turnShare(place, turn); n++) {
      // A record with `sync` has the whole turn fsynced, also at async.
      last = log.append(entryOf(log.workspace, log.head + 1), { sync: turn % 5 === 0 && place === 1 })
    }
    if (last === undefined) throw new Error('every log has a record of every turn')
    return last
  })
}
