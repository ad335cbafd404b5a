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

/** The number of whole turns in the logs of a team. Throws if one of them has more or less than these. */
export function turnsOf(heads: readonly number[]): number {
  const expected = heads.map(() => 0)
  let turns = 0
  while ((expected[0] ?? 0) < (heads[0] ?? 0)) {
    turns++
    for (const place of heads.keys()) expected[place] = (expected[place] ?? 0) + turnShare(place, turns)
  }
  if (heads.some((head, place) => head !== expected[place])) {
    throw new Error(`the logs end at ${heads.join(', ')}, and ${turns} turns would end at ${expected.join(', ')}`)
  }
  return turns
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
