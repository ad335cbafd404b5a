import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { ADA, rulesOf } from '../testing/rules-fixture.ts'

/** One update with so many subdocuments. */
function subdocuments(client: number, count: number): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = client
  doc.getArray('pages').insert(
    0,
    Array.from({ length: count }, () => new Y.Doc()),
  )
  return Y.encodeStateAsUpdate(doc)
}

test('[B117] an update that brings more subdocuments than a document may have is refused', () => {
  const doc = new Y.Doc()
  const rules = rulesOf(doc)
  expect(rules.inspect(subdocuments(1, 2_001), ADA)?.code).toBe('too_costly')
  expect(rules.inspect(subdocuments(2, 1_500), ADA)).toBeUndefined()
  Y.applyUpdate(doc, subdocuments(2, 1_500))
  expect(rules.inspect(subdocuments(3, 501), ADA)?.code).toBe('too_costly')
  expect(rules.inspect(subdocuments(3, 500), ADA)).toBeUndefined()
})
