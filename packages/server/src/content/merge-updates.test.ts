import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { mergeTyping } from './merge-updates.ts'
import { encodeTransaction } from './transaction-update.ts'

interface Act {
  readonly client: number
  readonly at: number
  readonly kind: 'type' | 'set' | 'nest' | 'delete'
}

const acts = fc.array(
  fc.record<Act>({
    client: fc.constantFrom(1, 2, 127, 128, 70_000, 2 ** 32 - 1),
    at: fc.nat(50),
    kind: fc.constantFrom('type', 'type', 'type', 'set', 'nest', 'delete'),
  }),
  { minLength: 2, maxLength: 8 },
)

/** The updates of one tick's acts, as a room's document encodes them. */
function updatesOf(doc: Y.Doc, tick: readonly Act[]): Uint8Array[] {
  const updates: Uint8Array[] = []
  const take = (transaction: Y.Transaction): void => {
    const update = encodeTransaction(transaction)
    if (update !== undefined) updates.push(update)
  }
  doc.on('afterTransactionCleanup', take)
  for (const { client, at, kind } of tick) {
    doc.clientID = client
    const text = doc.getText('t')
    const from = at % (text.length + 1)
    if (kind === 'type') text.insert(from, 'ab\u{1F600}'.slice(0, 1 + (at % 3)))
    else if (kind === 'set') doc.getMap('m').set(`k${at % 3}`, at)
    else if (kind === 'nest') doc.getMap('m').set(`k${at % 3}`, new Y.Map([['inner', at]]))
    else text.delete(from, Math.min(2, text.length - from))
  }
  doc.off('afterTransactionCleanup', take)
  return updates
}

describe('mergeTyping', () => {
  it('[S5] merges what several people did in a tick byte for byte as Yjs does', () => {
    let merged = 0
    fc.assert(
      fc.property(fc.array(acts, { minLength: 1, maxLength: 6 }), (ticks) => {
        const doc = new Y.Doc({ guid: '' })
        for (const tick of ticks) {
          const updates = updatesOf(doc, tick)
          if (updates.length < 2) continue
          merged++
          expect(mergeTyping(updates)).toEqual(Y.mergeUpdates(updates))
        }
      }),
      { numRuns: 300 },
    )
    expect(merged).toBeGreaterThan(300)
  })

  it('[S5] merges the typing of more clients than a byte can count', () => {
    const doc = new Y.Doc({ guid: '' })
    for (const clients of [2, 127, 128, 300]) {
      const tick = Array.from({ length: clients }, (_, n): Act => ({ client: n + 1, at: n, kind: 'type' }))
      const updates = updatesOf(doc, tick)
      expect(updates).toHaveLength(clients)
      const reader = new Y.Doc()
      Y.applyUpdate(reader, mergeTyping(updates))
      expect(Y.decodeUpdate(mergeTyping(updates))).toEqual(Y.decodeUpdate(Y.mergeUpdates(updates)))
    }
  })
})
