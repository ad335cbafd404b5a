import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { encodeTransaction } from './transaction-update.ts'

/**
 * Collects, for each transaction of a document, the update that Yjs emits and the one that {@link encodeTransaction}
 * makes.
 */
class Pair {
  readonly doc = new Y.Doc({ guid: '' })
  readonly emitted: Uint8Array[] = []
  readonly encoded: Uint8Array[] = []

  constructor() {
    this.doc.on('update', (update: Uint8Array) => this.emitted.push(update))
    this.doc.on('afterTransactionCleanup', (transaction: Y.Transaction) => {
      const update = encodeTransaction(transaction)
      if (update !== undefined) this.encoded.push(update)
    })
  }
}

interface Step {
  readonly client: number
  readonly at: number
  readonly act: 'type' | 'delete' | 'set' | 'unset' | 'nest' | 'list' | 'foreign' | 'nothing'
}

const steps = fc.array(
  fc.array(
    fc.record<Step>({
      client: fc.integer({ min: 1, max: 5 }),
      at: fc.nat(50),
      act: fc.constantFrom('type', 'delete', 'set', 'unset', 'nest', 'list', 'foreign', 'nothing'),
    }),
    { maxLength: 4 },
  ),
  { minLength: 1, maxLength: 25 },
)

function take(doc: Y.Doc, { client, at, act }: Step): void {
  doc.clientID = client
  const text = doc.getText('t')
  const map = doc.getMap<Y.Map<unknown> | number>('m')
  const from = at % (text.length + 1)
  if (act === 'type') text.insert(from, '\u{1F600}ab'.slice(0, 1 + (at % 4)))
  else if (act === 'delete') text.delete(from, Math.min(2, text.length - from))
  else if (act === 'set') map.set(`k${at % 3}`, at)
  else if (act === 'unset') map.delete(`k${at % 3}`)
  else if (act === 'nest') map.set(`k${at % 3}`, new Y.Map([['inner', at]]))
  else if (act === 'list') doc.getArray('a').push([at, { at }])
  else if (act === 'foreign') Y.applyUpdate(doc, foreignUpdate(100 + (at % 7), at))
}

/** An update of another client, which sometimes builds on an update that the document lacks. */
function foreignUpdate(client: number, at: number): Uint8Array {
  const doc = new Y.Doc({ guid: '' })
  doc.clientID = client
  doc.getText('t').insert(0, 'far')
  const before = Y.encodeStateVector(doc)
  doc.getArray('a').push([at])
  return Y.encodeStateAsUpdate(doc, at % 2 === 0 ? before : undefined)
}

describe('the update of a transaction', () => {
  it('[S5] the update is byte for byte the one that Yjs emits, and none where Yjs emits none', () => {
    let updates = 0
    fc.assert(
      fc.property(steps, (transactions) => {
        const pair = new Pair()
        for (const acts of transactions) {
          pair.doc.transact(() => {
            for (const step of acts) take(pair.doc, step)
            // Yjs prints a line when another client writes under the document's own id.
            pair.doc.clientID = 999
          })
        }
        expect(pair.encoded).toEqual(pair.emitted)
        updates += pair.emitted.length
      }),
      { numRuns: 300 },
    )
    expect(updates).toBeGreaterThan(300)
  })

  it('[S5] updates of any size leave nothing of themselves in those after them', () => {
    const pair = new Pair()
    const { doc, emitted, encoded } = pair
    const text = doc.getText('t')
    for (const length of [1, 3_000, 5_000, 2, 20_000, 4_096, 1]) text.insert(0, 'a'.repeat(length))
    expect(encoded).toHaveLength(7)
    expect(encoded).toEqual(emitted)
  })

  it('[S5] what an observer adds or deletes goes out as Yjs sends it', () => {
    const pair = new Pair()
    const { doc, emitted, encoded } = pair
    const text = doc.getText('t')
    text.observe((event) => {
      if (text.length > 6) text.delete(0, 3)
      else if (event.transaction.local && text.length === 6) doc.getMap('m').set('long', true)
    })
    for (let n = 0; n < 8; n++) text.insert(text.length, `${n}${n}`)
    expect(emitted.length).toBeGreaterThan(8)
    expect(encoded).toEqual(emitted)
  })
})
