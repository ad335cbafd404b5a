// @vitest-environment happy-dom

import { EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { plainTextOf } from '@joinery/blocks'
import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { editorTextOf, textBinding } from './text-binding.ts'

const views: EditorView[] = []
afterEach(() => {
  for (const view of views.splice(0)) view.destroy()
})

/** An editor of a text, and another person's copy of that text. */
function scene(initial: string) {
  const doc = new Y.Doc()
  const text = doc.getText('t')
  text.insert(0, initial)
  const theirs = new Y.Doc()
  const manager = new Y.UndoManager(text, { trackedOrigins: new Set(['person']), captureTimeout: 0 })
  const binding = textBinding({
    text,
    transact: (edit) => doc.transact(edit, 'person'),
    undo: () => void manager.undo(),
    redo: () => void manager.redo(),
  })
  const view = new EditorView({ state: EditorState.create({ doc: editorTextOf(text), extensions: binding }) })
  views.push(view)
  const sync = (): void => {
    const mine = Y.encodeStateAsUpdate(doc)
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(theirs), 'remote')
    Y.applyUpdate(theirs, mine)
  }
  sync()
  return {
    text,
    theirs: theirs.getText('t'),
    view,
    sync,
    manager,
    shown: () => view.state.doc.sliceString(0, undefined, '\n'),
  }
}

const EDIT = fc.record({
  isMine: fc.boolean(),
  at: fc.nat(40),
  remove: fc.nat(6),
  insert: fc.constantFrom('', 'a', 'word ', '\n', '\r\n', '😀'),
  isEmbed: fc.boolean(),
})

it('[E62] an editor and its text stay equal whatever people write, with embeds, carriage returns and cut pairs in it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(EDIT, { maxLength: 25 }), async (edits) => {
      const { text, theirs, view, sync, shown } = scene('one\r\ntwo\rthree')
      for (const { isMine, at, remove, insert, isEmbed } of edits) {
        if (isMine) {
          const from = Math.min(at, view.state.doc.length)
          view.dispatch({ changes: { from, to: Math.min(from + remove, view.state.doc.length), insert } })
        } else {
          const from = Math.min(at, theirs.length)
          theirs.delete(from, Math.min(remove, theirs.length - from))
          if (isEmbed) theirs.insertEmbed(from, { image: 'x' })
          else theirs.insert(from, insert)
          sync()
        }
        await Promise.resolve()
        expect(shown()).toBe(plainTextOf(text))
      }
      sync()
      expect(plainTextOf(theirs)).toBe(shown())
    }),
    { numRuns: 25 },
  )
})

it('[E62] undo takes back this person’s edits alone, and the caret goes where it was', () => {
  const { view, theirs, sync, manager, shown } = scene('hello world')
  view.dispatch({ changes: { from: 5, insert: ' my' } })
  theirs.insert(0, '>> ')
  sync()
  expect(shown()).toBe('>> hello my world')
  manager.undo()
  expect(shown()).toBe('>> hello world')
  expect(view.state.selection.main.head).toBe(8)
  manager.redo()
  expect(shown()).toBe('>> hello my world')
})

it('[E92] a letter reads the whole text nowhere, whoever types it', () => {
  const { text, theirs, view, sync, shown } = scene('measure twice\n'.repeat(200))
  const reads = vi.spyOn(Y.Text.prototype as { toString(): string }, 'toString')
  try {
    for (let at = 0; at < 10; at++) view.dispatch({ changes: { from: 1_000 + at, insert: 'x' } })
    theirs.insert(50, 'theirs')
    sync()
    expect(reads).not.toHaveBeenCalled()
    // A reading would have been counted.
    expect(plainTextOf(text)).toContain('theirs')
    expect(reads).toHaveBeenCalledOnce()
  } finally {
    reads.mockRestore()
  }
  expect(shown()).toBe(plainTextOf(text))
  expect(shown()).toContain('theirs')
})
