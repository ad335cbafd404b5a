import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { formatOfUpdate } from './update-format.ts'

it('[S111] an update with deletions is told by its encoding, to its last byte', () => {
  const doc = new Y.Doc()
  doc.getArray('list').push(['one', 'two', 'three'])
  doc.getArray('list').delete(0)
  doc.getText('text').insert(0, 'a longer text')
  doc.getText('text').delete(2, 3)
  const update = Y.encodeStateAsUpdate(doc)
  expect(formatOfUpdate(update)).toBe('v1')
  expect(formatOfUpdate(Y.convertUpdateFormatV1ToV2(update))).toBe('v2')
  expect(formatOfUpdate(update.subarray(0, -1))).toBeUndefined()
  expect(formatOfUpdate(Uint8Array.of(...update, 0))).toBeUndefined()
})
