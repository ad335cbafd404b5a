import { expect } from 'vitest'
import type { EventStore } from '../event-store.ts'
import { TEAMS, type TeamName, turnShare } from './team.ts'

/**
 * Fails unless the logs of a team end with the same turn: each turn is there whole, or nothing of it. Returns the number of
 * turns.
 */
export async function expectWholeTurns(store: EventStore, team: TeamName): Promise<number> {
  const heads: number[] = []
  for (const name of TEAMS[team]) {
    const log = await store.open(name)
    heads.push(log.head)
    await log.close()
  }
  let turns = 0
  const expected = heads.map(() => 0)
  while ((expected[0] ?? 0) < (heads[0] ?? 0)) {
    turns++
    for (const place of heads.keys()) expected[place] = (expected[place] ?? 0) + turnShare(place, turns)
  }
  expect(heads, `heads of ${TEAMS[team].join(', ')}`).toEqual(expected)
  return turns
}
