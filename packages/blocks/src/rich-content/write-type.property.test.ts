import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { editDoc, type RandomEdit, randomEdit, shownIn } from '../testing/random-edits.ts'
import { syncAll } from '../testing/test-docs.ts'
import { RichReader } from './rich-reader.ts'
import { diffTypes } from './type-diff.ts'
import { writeType } from './write-type.ts'

const edits = fc.array(randomEdit, { maxLength: 25 })
const world = fc.record({ before: edits, since: edits, beside: edits, after: edits, concurrent: edits })

function copyOf(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}

function editAll(doc: Y.Doc, all: readonly RandomEdit[]): void {
  for (const edit of all) editDoc(doc, edit)
}

/** Makes the roots of `doc` show what those of `past` show; false if they show it already. */
function restoreRoots(doc: Y.Doc, past: Y.Doc): boolean {
  const reader = new RichReader()
  const names = new Set([...doc.share.keys(), ...past.share.keys()])
  let isDifferent = false
  Y.transact(doc, (transaction) => {
    for (const name of names) {
      const root = doc.get(name)
      const diff = diffTypes(reader.read(root), reader.read(past.get(name)))
      if (diff === undefined) continue
      isDifferent = true
      writeType(transaction, root, diff)
    }
  })
  return isDifferent
}

const RUNS = process.env.JOINERY_NIGHTLY ? 20_000 : 600

test('[B55] roots of any kind come back as they were, from any later state, and replicas that edit meanwhile converge', () => {
  fc.assert(
    fc.property(world, ({ before, since, beside, after, concurrent }) => {
      const doc = new Y.Doc()
      editAll(doc, before)
      const past = copyOf(doc)
      const then = shownIn(copyOf(past))
      const other = copyOf(doc)
      editAll(doc, since)
      editAll(other, beside)
      syncAll(doc, other)
      editAll(doc, after)
      syncAll(doc, other)
      // A server's document knows no types of roots.
      const server = copyOf(doc)
      const wasDifferent = JSON.stringify(shownIn(copyOf(doc)), typed) !== JSON.stringify(then, typed)
      const vector = Y.encodeStateVector(server)
      expect(restoreRoots(server, past)).toBe(wasDifferent)
      expect(shownIn(copyOf(server))).toEqual(then)
      if (!wasDifferent) expect(Y.encodeStateVector(server)).toEqual(vector)
      expect(restoreRoots(server, past)).toBe(false)
      editAll(other, concurrent)
      syncAll(server, other)
      expect(shownIn(copyOf(server))).toEqual(shownIn(other))
    }),
    // An embed alone whose mark is the only difference.
    {
      numRuns: RUNS,
      examples: [
        [
          {
            before: [[21, 0, 379, 0, 0, 0, 0, 0]],
            since: [],
            beside: [[913, 441, 614, 0, 1, 0, 708, 0]],
            after: [],
            concurrent: [],
          },
        ],
      ],
    },
  )
})

function typed(_key: string, value: unknown): unknown {
  return value === undefined || typeof value === 'bigint' ? String(value) : value
}
