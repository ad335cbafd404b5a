import { expect, it } from 'vitest'
import { simulateStore } from './simulate-store.ts'

const { JOINERY_NIGHTLY, JOINERY_SEED, JOINERY_SEEDS } = process.env
/** One seed alone: `JOINERY_SEED=17`. */
const COUNT = Number(JOINERY_SEEDS ?? (JOINERY_NIGHTLY === undefined ? 200 : 10_000))
/**
 * Seeds that have found a fault: a key named a living node that held nothing, since the answer to its release was lost; a
 * position had a generation that the engine did not have, so that its node could not follow the next owner; a takeover that failed
 * while it cut off the journal left its copy open, so that no node could have the workspace any more; a replica that lagged was
 * taken for a loss, so that a copy kept records that nobody had acknowledged; and a copy lacked messages for good, since its node was
 * killed, or took the log for its own, when they came.
 */
const FOUND = [24, 126, 142, 151, 10_915, 75, 110, 214, 218, 247, 263]
const SEEDS =
  JOINERY_SEED === undefined ? [...FOUND, ...Array.from({ length: COUNT }, (_, seed) => seed)] : [Number(JOINERY_SEED)]

it('[Q12, Q27, Q76, Q87] real nodes on a faulty engine lose no edit, make none twice, bring nothing back that was purged, and have no journal ahead of its workspace', async () => {
  const total = { acknowledged: 0, kills: 0, owners: 0, purges: 0 }
  for (const [n, seed] of SEEDS.entries()) {
    const isPurged = JOINERY_SEED !== undefined || n >= FOUND.length
    const { violations, acknowledged, kills, owners, purges } = await simulateStore(seed, { isPurged })
    expect(violations, `JOINERY_SEED=${seed}`).toEqual([])
    total.acknowledged += acknowledged
    total.kills += kills
    total.owners += owners
    total.purges += purges
  }
  console.info(`${SEEDS.length} lives of real stores: ${JSON.stringify(total)}, 0 lost`)
  expect(total.acknowledged).toBeGreaterThan(SEEDS.length)
  if (JOINERY_SEED === undefined) expect(total.purges).toBeGreaterThan(SEEDS.length / 10)
})

it('[Q13] real nodes on an engine that ignores what was expected are found out', async () => {
  let found = 0
  for (let seed = 0; seed < 20; seed++) {
    const { violations } = await simulateStore(seed, { ignoresExpectations: true })
    found += Number(violations.length > 0)
  }
  expect(found).toBeGreaterThan(2)
})
