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

it('[S111] bytes with more parts than are asked for count as V1 when they are V1 up to there', () => {
  const doc = new Y.Doc()
  for (let at = 0; at < 10; at++) doc.getArray('list').insert(0, [at])
  const update = Y.encodeStateAsUpdate(doc)
  expect(formatOfUpdate(update.subarray(0, -1), 5)).toBe('v1')
  expect(formatOfUpdate(update.subarray(0, -1), 20)).toBeUndefined()
  expect(formatOfUpdate(Uint8Array.of(200), 5)).toBeUndefined()
})
