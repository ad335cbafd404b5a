import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { ADA, rulesOf } from '../testing/rules-fixture.ts'

/** Costs that are estimated from the bytes are left out then. */
const TRIED = { ...ADA, isTried: true }

it('[B118] an update that is read in steps is read once: its inspection says the same as of one that is not', () => {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (let n = 0; n < 2_000; n++) doc.getArray('list').insert(0, [n])
  })
  const given = Y.encodeStateAsUpdate(doc)
  const unreadable = given.slice(0, given.length - 3)
  for (const update of [given, unreadable]) {
    const before = rulesOf(new Y.Doc()).inspect(new Uint8Array(update), TRIED)
    const rules = rulesOf(new Y.Doc())
    const steps = rules.preparing(update, () => true)
    let step = steps.next()
    let count = 0
    for (; !step.done; count++) step = steps.next()
    expect(count).toBeGreaterThan(10)
    // The bytes are not read again until the function is called: here they say something else by then.
    const bytes = new Uint8Array(update)
    update.fill(0xff)
    expect(rules.inspect(update, TRIED)).toEqual(before)
    step.value()
    expect(rules.inspect(update, TRIED)?.code).toBe('bad_update')
    update.set(bytes)
  }
})
