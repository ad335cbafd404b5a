import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { createBlock, forkDoc, getBlock, type MachineClaim, PAYMENT, pruneBeaten } from '../index.ts'
import { syncAll } from '../testing/test-docs.ts'

const BANK = { source: 'provider', actor: 'joinery' } as const
/** The events of one payment, as its provider makes them. */
const EVENTS = ['processing', 'requires_action', 'authorized', 'captured', 'partly_refunded'] as const
type PaymentEvent = (typeof EVENTS)[number]

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
  )
}

/** A document with a payment that Ada has started. */
function ordered(): Y.Doc {
  const doc = new Y.Doc()
  const payments = createBlock(doc, 'b1', { type: 'text' }).statuses(PAYMENT)
  payments.startRun('o-7', { source: 'user_action', actor: 'ada', at: 1, runId: 'r1' })
  return doc
}

function take(doc: Y.Doc, event: PaymentEvent): void {
  const payments = getBlock(doc, 'b1')?.statuses(PAYMENT)
  const run = { no: 1, id: 'r1', source: 'user_action' } as const
  const at = 100 + EVENTS.indexOf(event)
  payments?.report('o-7', run, event, { ...BANK, at, detail: { event } })
}

const entryOf = (doc: Y.Doc): MachineClaim | undefined => getBlock(doc, 'b1')?.statuses(PAYMENT).get('o-7')

test('[B107] the five events of a payment show the same in all 120 orders, each doubled, on two replicas that meet at the end', () => {
  const inOrder = ordered()
  for (const event of EVENTS) take(inOrder, event)
  const expected = entryOf(inOrder)
  expect(expected).toMatchObject({ status: 'partly_refunded', source: 'provider' })
  const base = ordered()
  for (const [number, order] of permutations(EVENTS).entries()) {
    const [one, other] = [forkDoc(base), forkDoc(base)]
    // Each event comes twice: once to each replica, or twice to one of them. A poll takes the newest once more.
    for (const [place, event] of order.entries()) {
      const isSplit = (number >> (place % 5)) % 2 === 0
      take(isSplit ? one : other, event)
      take(other, event)
      if (number % 3 === 0) take(place % 2 === 0 ? one : other, 'authorized')
    }
    if (number % 2 === 0) pruneBeaten(one)
    syncAll(one, other)
    pruneBeaten(other)
    syncAll(one, other)
    for (const doc of [one, other]) expect(entryOf(doc), order.join(' ')).toEqual(expected)
    expect(getBlock(one, 'b1')?.statuses(PAYMENT).entries()).toHaveLength(1)
  }
})

test('[B107] events of an earlier attempt change nothing after the next one', () => {
  for (const event of EVENTS) {
    const doc = ordered()
    const payments = getBlock(doc, 'b1')?.statuses(PAYMENT)
    take(doc, 'processing')
    payments?.report('o-7', { no: 1, id: 'r1', source: 'user_action' }, 'failed', {
      ...BANK,
      at: 150,
      error: 'declined',
    })
    const run = payments?.startRun('o-7', { source: 'user_action', actor: 'ada', at: 200 })
    if (run === undefined) throw new Error('no run')
    payments?.report('o-7', run, 'captured', { ...BANK, at: 300 })
    take(doc, event)
    expect(entryOf(doc), event).toMatchObject({ status: 'captured', run: { no: 2 } })
  }
})
