import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { Outbox } from './outbox.ts'

/** Updates of one document, one for each letter of its text. */
function typed(text: string): { doc: Y.Doc; updates: Uint8Array[] } {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const letter of text) doc.getText().insert(doc.getText().length, letter)
  return { doc, updates }
}
const [first, ...rest] = typed('abcd').updates as [Uint8Array, ...Uint8Array[]]

describe('outbox', () => {
  it('[C13] an update frame is kept back until the answer to SyncStep1 has gone out', () => {
    const outbox = new Outbox()
    outbox.open()
    expect(outbox.isAnswered).toBe(false)
    outbox.send('syncStep2', first)
    expect(outbox.isAnswered).toBe(true)
    outbox.close()
    outbox.open()
    expect(outbox.isAnswered).toBe(false)
  })

  it.each([0, 1, 2])(
    '[C26] what is lost is the refused frame and those after it when %i were acknowledged',
    (count) => {
      const outbox = new Outbox()
      outbox.open()
      outbox.send('syncStep2', first)
      for (const update of rest) outbox.send('update', update)
      outbox.acknowledge(count, 1)
      const doc = new Y.Doc()
      Y.applyUpdate(doc, Y.mergeUpdates([first, ...rest.slice(0, 1)]))
      Y.applyUpdate(doc, outbox.from(3))
      expect(doc.getText().toString()).toBe('abcd')
      expect(Y.decodeUpdate(outbox.from(3)).structs[0]?.id.clock).toBe(2)
    },
  )
})
