import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { CLAIM_LISTS } from './claim-lists.ts'
import { blockChanges, changesIn, rootChanges } from './document-changes.ts'
import { readDocument } from './document-content.ts'
import { createBlock, getBlock } from './index.ts'
import { editDoc, editType, type RandomEdit, randomEdit, shownBy, shownIn } from './testing/random-edits.ts'

const edits = fc.array(randomEdit, { maxLength: 25 })
const RUNS = process.env.JOINERY_NIGHTLY ? 20_000 : 500

function edit(doc: Y.Doc, one: RandomEdit): void {
  const [where = 0, ...rest] = one
  const block = getBlock(doc, 'b')
  if (block === undefined || where % 3 === 0) editDoc(doc, rest)
  else editType(where % 3 === 1 ? block.content : block.data, rest)
}

function copyOf(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}

/** Text of all that a document shows. */
function textOf(doc: Y.Doc): string {
  const copy = copyOf(doc)
  const block = getBlock(copy, 'b')
  const shown = [shownIn(copy), shownBy(block?.content), shownBy(block?.data)]
  return JSON.stringify(shown, (_key, value: unknown) => {
    if (value === undefined || typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

test('[B59] differences are empty if and only if two states show the same, and each edit that shows is told', () => {
  fc.assert(
    fc.property(edits, edits, (before, after) => {
      const doc = new Y.Doc()
      createBlock(doc, 'b', { type: 'text' })
      for (const one of before) edit(doc, one)
      const past = copyOf(doc)
      const follower = copyOf(doc)
      let told = 0
      follower.on('afterTransaction', (transaction: Y.Transaction) => {
        const { changes, omitted } = changesIn(transaction, CLAIM_LISTS, 5)
        expect(changes.length).toBeLessThanOrEqual(5)
        told += changes.length + omitted
      })
      for (const one of after) {
        const was = textOf(doc)
        edit(doc, one)
        told = 0
        Y.applyUpdate(follower, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(follower)))
        if (textOf(doc) !== was) expect(told).toBeGreaterThan(0)
      }
      const now = readDocument(copyOf(doc), CLAIM_LISTS)
      const then = readDocument(past, CLAIM_LISTS, now.reader)
      const lists = [rootChanges(then, now, 1_000), blockChanges(then, now, 'b', 1_000)]
      const isDifferent = textOf(past) !== textOf(doc)
      expect(lists.some(({ changes }) => changes.length > 0)).toBe(isDifferent)
    }),
    { numRuns: RUNS },
  )
})
