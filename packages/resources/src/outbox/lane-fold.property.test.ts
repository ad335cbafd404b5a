import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type LaneEvent, LaneFold, laneEvents, laneStates } from './lane-fold.ts'

const subscription = fc.constantFrom('a', 'b')
const id = fc.constantFrom('evt_1', 'evt_2', 'evt_3')
const lsn = fc.nat(50)
const status = fc.record({ status: fc.constantFrom('pending', 'synced'), run: fc.nat(3) })
const event: fc.Arbitrary<LaneEvent> = fc.oneof(
  fc.record({ type: fc.constant('begun' as const), subscription, generation: fc.constantFrom('g', 'h'), through: lsn }),
  fc.record({ type: fc.constant('moved' as const), subscription, through: lsn }),
  fc.record({
    type: fc.constant('planned' as const),
    ...{ subscription, id, generation: fc.constantFrom('g', 'h'), from: lsn, through: lsn, body: fc.string() },
    told: fc.option(fc.array(fc.tuple(fc.constantFrom('r', 's'), status), { maxLength: 3 }), { nil: undefined }),
  }),
  fc.record({ type: fc.constant('failed' as const), subscription, id, nextAt: lsn, why: fc.string() }),
  fc.record({ type: fc.constantFrom('sent' as const, 'refused' as const), subscription, id }),
  fc.record({ type: fc.constant('dead' as const), subscription, id, why: fc.string() }),
  fc.record({ type: fc.constantFrom('replayed' as const, 'dropped' as const), subscription, id }),
)

function foldOf(events: readonly LaneEvent[], fold = new LaneFold()): LaneFold {
  for (const [n, each] of events.entries()) fold.take(laneEvents.decode(laneEvents.encode(each)), n)
  return fold
}

const seen = ({ places, dead, told }: LaneFold): object => ({
  ...{ places, dead },
  told: Array.from(told, ([name, statuses]) => [name, statuses.list]),
})

it('[RS32] a snapshot of deliveries with the records after it makes the state of all records', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), fc.nat(30), (events, cut) => {
      const whole = foldOf(events)
      const loaded = laneStates.decode(laneStates.encode(foldOf(events.slice(0, cut))))
      for (const [n, each] of events.entries()) if (n >= cut) loaded.take(each, n)
      expect(seen(loaded)).toEqual(seen(whole))
      // A delivery that was given up is listed, and none is on its way twice.
      for (const [name, all] of whole.dead) {
        expect(all.size).toBeGreaterThan(0)
        expect(whole.deadOf(name, [...all.keys()][0] ?? '')).toBeDefined()
      }
    }),
  )
})
