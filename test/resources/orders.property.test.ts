import { createBlock, getBlock } from '@joinery/blocks'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as Y from 'yjs'

/** The states of a payment at the service, in their order. A declined card is followed by one that is taken. */
const STATES = ['requires_action', 'failed', 'requires_action', 'processing', 'authorized', 'captured'] as const
/** The events of a payment: each tells that the service has reached the state of this index. */
const EVENTS = [1, 2, 3, 4, 5]
const LATER = ['partly_refunded', 'refunded', 'disputed'] as const
type State = (typeof STATES)[number] | (typeof LATER)[number]

/** One look at the service: by an event or by polling, handled where one replica is written. */
interface Look {
  readonly replica: 0 | 1
  /** Index of the state that the service was in. */
  readonly sees: number
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, n) => permutations(items.toSpliced(n, 1)).map((rest) => [item, ...rest]))
}

/** Two replicas that hear of each other only at the end, after all looks. */
function shownAfter(looks: readonly Look[], states: readonly State[]): unknown[] {
  const docs = [new Y.Doc(), new Y.Doc()] as const
  const run = createBlock(docs[0], 'order', { type: 'order' })
    .statuses('payment@1')
    .startRun('deposit', { source: 'user_action', actor: 'ada' })
  Y.applyUpdate(docs[1], Y.encodeStateAsUpdate(docs[0]))
  const statuses = (doc: Y.Doc) => getBlock(doc, 'order')?.statuses('payment@1')
  for (const { replica, sees } of looks) {
    const status = states[sees] ?? 'captured'
    const error = status === 'failed' ? { error: 'the card was declined' } : {}
    statuses(docs[replica])?.report('deposit', run, status, { source: 'provider', actor: 'joinery', at: 1, ...error })
  }
  const [first, second] = docs.map((doc) => Y.encodeStateAsUpdate(doc)) as [Uint8Array, Uint8Array]
  Y.applyUpdate(docs[0], second)
  Y.applyUpdate(docs[1], first)
  return docs.map((doc) => statuses(doc)?.get('deposit')?.status)
}

it('[RS15] all orders of five events, each twice and beside polling, on two replicas, show what the service says', () => {
  for (const [n, order] of permutations(EVENTS).entries()) {
    for (const isPolled of [false, true]) {
      const looks = order.flatMap((sees, place): Look[] => {
        const replica = ((n >> place) & 1) as 0 | 1
        const twice: Look[] = [
          { replica, sees },
          { replica: (1 - replica) as 0 | 1, sees },
        ]
        // A poll may be answered late: it saw any state up to now.
        return isPolled ? [...twice, { replica, sees: (sees + n) % sees }] : twice
      })
      expect(shownAfter(looks, STATES), `${order}`).toEqual(['captured', 'captured'])
    }
  }
})

it('[RS15] longer histories, with late and repeated looks, show the last state that was seen of a payment', () => {
  const history = fc.integer({ min: 0, max: LATER.length }).map((more) => [...STATES, ...LATER.slice(0, more)])
  const scene = history.chain((states) => {
    const look = fc.record({ replica: fc.constantFrom(0 as const, 1 as const), sees: fc.nat(states.length - 1) })
    return fc.record({
      states: fc.constant<readonly State[]>(states),
      looks: fc.array(look, { maxLength: 25 }),
      place: fc.nat(25),
    })
  })
  fc.assert(
    fc.property(scene, ({ states, looks, place }) => {
      const last: Look = { replica: 0, sees: states.length - 1 }
      const shown = shownAfter(looks.toSpliced(place, 0, last), states)
      expect(shown).toEqual([states.at(-1), states.at(-1)])
    }),
  )
})
