import type { LogRecord, Lsn } from '@joinery/log'
import { decodeFrame } from '@joinery/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { Stamps } from './stamps.ts'
import { AT_ONCE, doAll } from './steps.ts'
import { StoredState } from './stored-state.ts'

const WRITERS = 3

/** One step of a history: a writer edits, or applies everything that the log has. */
const step = fc.record({
  writer: fc.nat(WRITERS - 1),
  kind: fc.constantFrom('insert', 'delete', 'map', 'sync' as const),
  at: fc.nat(50),
  length: fc.integer({ min: 1, max: 6 }),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function record(update: Uint8Array, lsn: number): LogRecord {
  return { lsn: lsn as Lsn, at: lsn, update, actor: 'a', source: 's', connection: 'c', touched: ['x/y'] }
}

/** The updates of a history, in the order of the log, and every writer's document at its end. */
function play(steps: readonly Step[]): { updates: Uint8Array[]; docs: Y.Doc[] } {
  const updates: Uint8Array[] = []
  const docs = Array.from({ length: WRITERS }, (_, index) => {
    const doc = new Y.Doc()
    doc.clientID = index + 1
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'log') updates.push(update)
    })
    return doc
  })
  for (const { writer, kind, at, length } of steps) {
    const doc = docs[writer] as Y.Doc
    const text = doc.getText('t')
    if (kind === 'sync') for (const update of [...updates]) Y.applyUpdate(doc, update, 'log')
    else if (kind === 'map') doc.getMap('m').set(`k${at % 4}`, length)
    else if (kind === 'insert') text.insert(Math.min(at, text.length), 'x'.repeat(length))
    else if (text.length > 0) text.delete(at % text.length, Math.min(length, text.length - (at % text.length)))
  }
  return { updates, docs }
}

function loaded(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

const shown = (doc: Y.Doc): unknown => [doc.getText('t').toString(), doc.getMap('m').toJSON()]

/** The stored state that a room would read after a snapshot of the first `covered` records. */
function stored(updates: readonly Uint8Array[], covered: number): StoredState {
  const doc = loaded(updates.slice(0, covered))
  const annex = {
    stateVector: Y.encodeStateVector(doc),
    authors: undefined,
    isBounded: false,
    stamps: () => new Stamps(),
  }
  const start =
    covered === 0 ? undefined : { lsn: covered as Lsn, at: covered, state: Y.encodeStateAsUpdate(doc), annex }
  const tail = updates.slice(covered).map((update, index) => record(update, covered + index + 1))
  return doAll(StoredState.making(start, tail, AT_ONCE))
}

/** Applies the answer to SyncStep1 as a stock client does. */
function answered(doc: Y.Doc, state: StoredState): void {
  const messages = doAll(state.answer(Y.encodeStateVector(doc), AT_ONCE))
  for (const [index, message] of messages.entries()) {
    const header = (message[1] as number) < 126 ? 2 : (message[1] as number) === 126 ? 4 : 10
    const frame = decodeFrame(message.subarray(header))
    expect(frame.type).toBe(index === messages.length - 1 ? 'syncStep2' : 'update')
    if (frame.type === 'update' || frame.type === 'syncStep2') Y.applyUpdate(doc, frame.update, 'log')
  }
}

const history = fc.array(step, { minLength: 1, maxLength: 60 })

it('[S27] bytes answer like a document, whatever was snapshotted and whatever the client holds', () => {
  fc.assert(
    fc.property(history, fc.nat(100), (steps, share) => {
      const { updates, docs } = play(steps)
      const whole = loaded(updates)
      const state = stored(updates, Math.floor((updates.length * share) / 100))
      expect(state.stateVector).toEqual(Y.encodeStateVector(whole))
      for (const doc of [new Y.Doc(), ...docs]) {
        answered(doc, state)
        expect(shown(doc)).toEqual(shown(whole))
        expect(Y.encodeStateVector(doc)).toEqual(Y.encodeStateVector(whole))
        expect(doc.store.pendingStructs).toBeNull()
      }
    }),
    { numRuns: 150 },
  )
})

it('[S29] bytes tell a repeated update as a document would tell it', () => {
  fc.assert(
    fc.property(history, fc.nat(100), fc.nat(100), (steps, share, seen) => {
      const { updates } = play(steps)
      const known = updates.slice(0, Math.ceil((updates.length * seen) / 100))
      const state = stored(known, Math.floor((known.length * share) / 100))
      const doc = loaded(known)
      let changes = 0
      doc.on('update', () => changes++)
      for (const update of updates) {
        const isRepeat = state.includes(update)
        if (!isRepeat) continue
        Y.applyUpdate(doc, update)
      }
      expect(changes).toBe(0)
      for (const update of known) expect(state.includes(update)).toBe(true)
    }),
    { numRuns: 150 },
  )
})

it('[S29] bytes that Yjs can’t read, a V2 update among them, are no repeat', () => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'in V2')
  const state = stored([Y.encodeStateAsUpdate(doc)], 0)
  expect(state.includes(Y.encodeStateAsUpdateV2(doc))).toBe(false)
  expect(state.includes(Uint8Array.of(1, 2, 3, 255, 255, 255, 255, 255, 255))).toBe(false)
  expect(state.includes(Uint8Array.of(0, 0, 7))).toBe(false)
  expect(state.includes(Uint8Array.of(0, 0))).toBe(true)
})

it('[S27] a state vector never claims too much when an update waits for another that never came', () => {
  const doc = new Y.Doc()
  doc.clientID = 7
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const letter of 'abcd') doc.getText('t').insert(doc.getText('t').length, letter)
  const [first, , third] = updates as [Uint8Array, Uint8Array, Uint8Array]
  const merged = Y.mergeUpdates([first, third])
  for (const covered of [0, 1]) {
    expect(Y.decodeStateVector(stored([first, third], covered).stateVector)).toEqual(new Map([[7, 1]]))
    expect(Y.decodeStateVector(stored([merged], covered).stateVector)).toEqual(new Map([[7, 1]]))
  }
  const other = new Y.Doc()
  answered(other, stored([merged, updates[1] as Uint8Array], 1))
  expect(other.getText('t').toString()).toBe('abc')
})
