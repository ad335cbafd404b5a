import { decodeFrame } from '@joinery/protocol'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRules } from './document-rules.ts'
import { RoomDocument } from './room-document.ts'
import { AT_ONCE, doAll, type Pace, type Steps } from './steps.ts'
import { LiveAnswer } from './sync-answer.ts'

function taken(messages: readonly Uint8Array[], doc = new Y.Doc()): { text: string; types: string[] } {
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
    doAll(
      answer.messages(function* () {
        encoded++
        yield
        return Y.encodeStateAsUpdate(doc)
      }, AT_ONCE),
    )
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

/** Lets others have their turns at each look at the clock. */
const HURRIED: Pace = { isOver: true }

/** Makes an answer in turns, with an edit between any two. Returns it, and the number of edits. */
function madeBeside<T>(steps: Steps<T>, edit: () => void): { value: T; edits: number } {
  for (let edits = 0; ; edits++) {
    const { done, value } = steps.next()
    if (done) return { value, edits }
    edit()
  }
}

/** A document of many small structs, as its room has it. */
function livingDocument(): { document: RoomDocument; edit: () => void } {
  const document = new RoomDocument(openRules)
  let n = 0
  const edit = () => {
    document.edit(`actor ${n % 3}`, (doc) => {
      const text = doc.getText('t')
      text.insert((n * 7) % (text.length + 1), `${n++};`)
      if (n % 5 === 0) text.delete((n * 3) % (text.length - 4), 3)
    })
  }
  for (let i = 0; i < 3_000; i++) edit()
  return { document, edit }
}

it('[S162] a live document may change while its answer is made in turns: the answer is as of its end', () => {
  for (const isNew of [true, false]) {
    const { document, edit } = livingDocument()
    const reader = new Y.Doc()
    if (!isNew) {
      Y.applyUpdate(reader, Y.encodeStateAsUpdate(document.doc))
      for (let i = 0; i < 1_000; i++) edit()
    }
    const { value, edits } = madeBeside(document.answer(Y.encodeStateVector(reader), HURRIED), edit)
    expect(edits).toBeGreaterThan(5)
    const { text } = taken(value, reader)
    expect(text).toBe(document.doc.getText('t').toString())
  }
})

it('[S162] those who join in the same moments go on with one encoding, and each answer is as of its end', () => {
  const { document, edit } = livingDocument()
  const answers = Array.from({ length: 5 }, () => document.answer(Uint8Array.of(0), HURRIED))
  let turns = 0
  let ended = 0
  while (ended < answers.length) {
    for (const answer of answers) {
      const { done, value } = answer.next()
      turns++
      if (done && value !== undefined) {
        ended++
        expect(taken(value).text).toBe(document.doc.getText('t').toString())
      }
      edit()
    }
  }
  const alone = madeBeside(livingDocument().document.answer(Uint8Array.of(0), HURRIED), () => undefined).edits
  expect(turns).toBeLessThan(2 * alone + answers.length)
})
