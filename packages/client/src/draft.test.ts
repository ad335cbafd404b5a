import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { DraftDocument } from './draft.ts'

it('[C50] a draft made anew under the last one’s client id goes on where that ended', () => {
  const live = new Y.Doc()
  const first = new DraftDocument(live)
  const append = (letter: string) => (draft: { doc: Y.Doc }) => {
    const text = draft.doc.getText()
    text.insert(text.length, letter)
  }
  Y.applyUpdate(live, first.make(append('a')))
  Y.applyUpdate(live, first.make(append('b')))
  const second = new DraftDocument(live, first.clientId)
  Y.applyUpdate(live, second.make(append('c')))
  expect(live.getText().toString()).toBe('abc')
  expect([...Y.decodeStateVector(Y.encodeStateVector(live))]).toEqual([[first.clientId, 3]])
})
