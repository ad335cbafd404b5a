import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import type { JsonObject } from '../json.ts'
import { editDoc, editType, type RandomEdit, randomEdit, shownBy } from '../testing/random-edits.ts'
import { deltaOf, jsonFormOf } from './json-form.ts'
import { replaceDelta } from './replace-delta.ts'
import { checkJson, writeJson } from './write-json.ts'

const edits = fc.array(randomEdit, { maxLength: 30 })
const RUNS = process.env.JOINERY_NIGHTLY ? 20_000 : 500

function editRoot(doc: Y.Doc, root: number, all: readonly RandomEdit[]): void {
  for (const [, ...edit] of all) editDoc(doc, [root, ...edit])
}

test('[B58] writing back the JSON that was read, in either form of texts, changes nothing', () => {
  fc.assert(
    fc.property(edits, (all) => {
      const doc = new Y.Doc()
      editRoot(doc, 2, all)
      const map = doc.getMap('nodes')
      const before = Y.encodeStateAsUpdate(doc)
      for (const texts of ['string', 'delta'] as const) {
        const json = JSON.parse(JSON.stringify(jsonFormOf(map, texts))) as JsonObject
        for (const write of ['replace', 'patch'] as const) {
          checkJson(map, json, write)
          writeJson(map, json, write)
        }
      }
      expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
    }),
    { numRuns: RUNS },
  )
})

test('[B57] a text becomes any delta, and writing back its own changes nothing', () => {
  fc.assert(
    fc.property(edits, edits, edits, (before, after, concurrent) => {
      const [doc, other] = [new Y.Doc(), new Y.Doc()]
      editRoot(doc, 1, before)
      Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
      const fork = new Y.Doc()
      Y.applyUpdate(fork, Y.encodeStateAsUpdate(doc))
      const text = doc.getText('text')
      const state = Y.encodeStateAsUpdate(doc)
      replaceDelta(text, deltaOf(text))
      expect(Y.encodeStateAsUpdate(doc)).toEqual(state)
      editRoot(fork, 1, after)
      const next = deltaOf(fork.getText('text'))
      replaceDelta(text, next)
      expect(deltaOf(text)).toEqual(next)
      for (const edit of concurrent) editType(other.getText('text'), edit)
      Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
      Y.applyUpdate(doc, Y.encodeStateAsUpdate(other))
      expect(shownBy(text)).toEqual(shownBy(other.getText('text')))
    }),
    { numRuns: RUNS },
  )
})
