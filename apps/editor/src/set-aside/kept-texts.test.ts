import { createBlock, getBlock } from '@joinery/blocks'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { keptTexts } from './kept-texts.ts'

function docOf(texts: Readonly<Record<string, string>>): Y.Doc {
  const doc = new Y.Doc()
  for (const [id, text] of Object.entries(texts)) createBlock(doc, id, { type: 'text' }).content.insert(0, text)
  return doc
}

test('[P9] refused edits are shown on top of the present texts, and only texts that differ are', () => {
  const present = docOf({ a: 'fine', b: 'other' })
  const refused = new Y.Doc()
  Y.applyUpdate(refused, Y.encodeStateAsUpdate(present))
  const before = Y.encodeStateVector(refused)
  getBlock(refused, 'a')?.content.insert(4, ', refused')
  const update = Y.encodeStateAsUpdate(refused, before)
  getBlock(present, 'a')?.content.insert(0, 'still ')
  const texts = keptTexts('rejected', update, present)
  expect(texts).toMatchObject([{ id: 'a', title: 'a', type: 'text', now: 'still fine', kept: 'still fine, refused' }])
  expect(getBlock(present, 'a')?.text).toBe('still fine')
})

test('[P9] a whole copy is compared with the present texts, block by block', () => {
  const copy = docOf({ same: 'same', changed: 'then', gone: 'lost', empty: '' })
  const present = docOf({ same: 'same', changed: 'now', since: 'new' })
  const texts = keptTexts('generation_changed', Y.encodeStateAsUpdate(copy), present)
  expect(texts).toMatchObject([
    { id: 'changed', now: 'now', kept: 'then' },
    { id: 'gone', now: undefined, kept: 'lost' },
  ])
})

test('[P9] refused edits that build on something that is gone are told apart', () => {
  const doc = docOf({ a: 'text' })
  const before = Y.encodeStateVector(doc)
  getBlock(doc, 'a')?.content.insert(4, ' and more')
  expect(keptTexts('rejected', Y.encodeStateAsUpdate(doc, before), new Y.Doc())).toBeUndefined()
})
