import { decodeFrame } from '@joinery/protocol'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { LiveAnswer } from './sync-answer.ts'

function taken(messages: readonly Uint8Array[]): { text: string; types: string[] } {
  const doc = new Y.Doc()
  const types: string[] = []
  for (const message of messages) {
    const length = message[1] as number
    const frame = decodeFrame(message.subarray(length < 126 ? 2 : length === 126 ? 4 : 10))
    types.push(frame.type)
    if (frame.type === 'update' || frame.type === 'syncStep2') Y.applyUpdate(doc, frame.update)
  }
  expect(doc.store.pendingStructs).toBeNull()
  return { text: doc.getText('t').toString(), types }
}

function scene(characters: number) {
  const doc = new Y.Doc()
  const answer = new LiveAnswer()
  const text = doc.getText('t')
  text.insert(0, 'x'.repeat(characters))
  doc.on('update', (update: Uint8Array) => answer.note(update))
  let encoded = 0
  const ask = () =>
    answer.messages(() => {
      encoded++
      return Y.encodeStateAsUpdate(doc)
    })
  return { text, answer, ask, encoded: () => encoded }
}

it('[S28] a large live document is encoded once for those who join in the same moments, whatever is written between', () => {
  const { text, answer, ask, encoded } = scene(100_000)
  expect(taken(ask())).toEqual({ text: text.toString(), types: ['update', 'syncStep2'] })
  for (let n = 0; n < 50; n++) {
    text.insert(n * 7, `edit ${n}`)
    if (n % 3 === 0) text.delete(n, 2)
    expect(taken(ask())).toEqual({ text: text.toString(), types: ['update', 'syncStep2'] })
  }
  expect(encoded()).toBe(1)
  answer.sweep()
  answer.sweep()
  text.insert(0, 'later')
  expect(taken(ask()).text).toBe(text.toString())
  expect(encoded()).toBe(2)
})

it('[S28] a large document is encoded anew when much was written since, and a small one each time', () => {
  const { text, ask, encoded } = scene(100_000)
  ask()
  text.insert(0, 'y'.repeat(40_000))
  expect(taken(ask()).text).toBe(text.toString())
  expect(encoded()).toBe(2)
  const small = scene(100)
  small.ask()
  expect(taken(small.ask())).toEqual({ text: small.text.toString(), types: ['syncStep2'] })
  expect(small.encoded()).toBe(2)
})
