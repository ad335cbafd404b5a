import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { KnownComparison } from './known-comparison.ts'

const COUNT = 400
const always = (): boolean => true

/** A list of numbers, written backwards: each is a struct of its own. */
function listOf(clientID: number, first = 0): Y.Doc {
  const doc = new Y.Doc()
  doc.clientID = clientID
  doc.transact(() => {
    for (let n = first; n < first + COUNT; n++) doc.getArray('list').insert(0, [n])
  })
  doc.getArray('list').delete(0, 3)
  return doc
}

/** The result of a comparison in turns that are over at once, and their number. */
function inTurns(doc: Y.Doc, update: Uint8Array): { isKnown: boolean; turns: number } {
  const comparison = new KnownComparison(update)
  for (let turns = 1; ; turns++) {
    const isKnown = comparison.compare(doc, always)
    if (isKnown !== undefined) return { isKnown, turns }
  }
}

it('[S412] an update is compared with a document in turns, up to its last struct and deletion', () => {
  const doc = listOf(7)
  const update = Y.encodeStateAsUpdate(doc)
  const { isKnown, turns } = inTurns(doc, update)
  expect(isKnown).toBe(true)
  expect(turns).toBeGreaterThan(10)
  const before = Y.encodeStateVector(doc)
  doc.getArray('list').insert(0, ['new'])
  const after = Y.encodeStateAsUpdate(doc)
  const lacking = new Y.Doc()
  Y.applyUpdate(lacking, update)
  expect(inTurns(lacking, after).isKnown).toBe(false)
  Y.applyUpdate(lacking, Y.encodeStateAsUpdate(doc, before))
  expect(inTurns(lacking, after).isKnown).toBe(true)
  doc.getArray('list').delete(50)
  expect(inTurns(lacking, Y.encodeStateAsUpdate(doc)).isKnown).toBe(false)
})

it('[S412] an update with other content under known clocks, and bytes that are no update, are not known', () => {
  const doc = listOf(7)
  expect(inTurns(doc, Y.encodeStateAsUpdate(listOf(7, 1))).isKnown).toBe(false)
  const update = Y.encodeStateAsUpdate(doc)
  expect(inTurns(doc, update.subarray(0, update.length / 2)).isKnown).toBe(false)
})

it('[S412] a comparison begins anew with a document that was built anew', () => {
  const [doc, empty] = [listOf(7), new Y.Doc()]
  const comparison = new KnownComparison(Y.encodeStateAsUpdate(doc))
  // The steps that cut the update into parts, and some of the parts.
  for (let turn = 0; turn < 20; turn++) expect(comparison.compare(doc, always)).toBeUndefined()
  let isKnown: boolean | undefined
  while (isKnown === undefined) isKnown = comparison.compare(empty, always)
  expect(isKnown).toBe(false)
})
