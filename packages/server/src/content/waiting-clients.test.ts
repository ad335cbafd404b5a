import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRules } from './document-rules.ts'
import { RoomDocument } from './room-document.ts'

const ADA = { actor: 'ada', source: 'user_action', sources: ['user_action'], isAuthenticated: false }

/** The second edit of a client, without the first. */
function secondEdit(): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'a')
  const before = Y.encodeStateVector(doc)
  doc.getText('text').insert(1, 'b')
  return Y.encodeStateAsUpdate(doc, before)
}

it('[S9] each client whose structs wait counts as much as 256 bytes, until what they wait for has come', () => {
  const room = new RoomDocument(openRules)
  for (let count = 1; count <= 5; count++) {
    room.apply([secondEdit()], ADA)
    expect(room.pendingBytes).toBeGreaterThan(256 * count)
  }
  const whole = new RoomDocument(openRules)
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'a')
  const first = Y.encodeStateAsUpdate(doc)
  const before = Y.encodeStateVector(doc)
  doc.getText('text').insert(1, 'b')
  whole.apply([Y.encodeStateAsUpdate(doc, before)], ADA)
  expect(whole.pendingBytes).toBeGreaterThan(256)
  whole.apply([first], ADA)
  expect(whole.pendingBytes).toBe(0)
})
