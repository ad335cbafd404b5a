import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { percentile } from './percentile.ts'
import { generateTrace, HISTORY_EDITS } from './trace.ts'
import { countEndMarks, editsIn, typeText } from './typed-text.ts'

describe('typed text', () => {
  it('[T5] an end mark is found in a frame whether its update came alone or merged', () => {
    const [ada, ben] = [typeText(20), typeText(20)]
    const merged = Y.mergeUpdates([...ada.updates, ...ben.updates])
    expect(countEndMarks(merged)).toBe(2)
    expect(countEndMarks(ada.updates.at(-1) ?? new Uint8Array(0))).toBe(1)
    expect(countEndMarks(Y.mergeUpdates(ada.updates.slice(0, -1)))).toBe(0)
  })

  it('[T5] edits are counted one by one when a document receives them', () => {
    const typed = typeText(5)
    const doc = new Y.Doc()
    const counts = typed.updates.map((update) => {
      Y.applyUpdate(doc, update)
      return editsIn(doc, typed)
    })
    expect(counts).toEqual([1, 2, 3, 4, 5])
  })
})

describe('generated history', () => {
  it('[T5] a generated history has the size of the published one and ends as it says when it is replayed', () => {
    const { txns, endContent } = generateTrace()
    expect(txns).toHaveLength(HISTORY_EDITS)
    let length = 0
    for (const { patches } of txns) for (const [, deleted, inserted] of patches) length += inserted.length - deleted
    expect(endContent).toHaveLength(length)
    expect(length).toBeGreaterThan(100_000)
  })

  it('[T5] a generated history is the same one each time', () => {
    expect(generateTrace(2_000)).toEqual(generateTrace(2_000))
    const doc = new Y.Doc()
    const text = doc.getText()
    const { txns, endContent } = generateTrace(2_000)
    for (const { patches } of txns) {
      for (const [position, deleted, inserted] of patches) {
        text.delete(position, deleted)
        text.insert(position, inserted)
      }
    }
    expect(text.toString()).toBe(endContent)
  })
})

describe('percentile', () => {
  it('[T5] the nearest rank is taken, and none of nothing', () => {
    const values = [5, 1, 4, 2, 3]
    expect(percentile(values, 0.5)).toBe(3)
    expect(percentile(values, 0.99)).toBe(5)
    expect(percentile([7], 0.5)).toBe(7)
    expect(percentile([], 0.5)).toBeNaN()
  })
})
