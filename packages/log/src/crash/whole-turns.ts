import type { EventStore } from '../event-store.ts'
import { TEAMS, type TeamName, turnsOf } from './team.ts'

/**
 * Throws unless the logs of a team end with the same turn: each turn is there whole, or nothing of it. Returns the number of
 * turns.
 */
export async function expectWholeTurns(store: EventStore, team: TeamName): Promise<number> {
  const heads: number[] = []
  for (const name of TEAMS[team]) {
    const log = await store.open(name)
    heads.push(log.head)
    await log.close()
  }
  return turnsOf(heads)
}
