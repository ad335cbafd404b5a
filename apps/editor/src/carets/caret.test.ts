import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { type CaretState, caretIn, readCaret, selectionIn } from './caret.ts'

const ANN = { name: 'Ann', hue: 20 }

function textOf(content: string): Y.Text {
  const text = new Y.Doc().getMap('blocks').set('a', new Y.Text(content))
  return text
}

test('[E1] a caret stands before the same character after any edits of others that leave it', () => {
  const edit = fc.record({ at: fc.nat(60), insert: fc.string({ maxLength: 6 }), remove: fc.nat(4) })
  fc.assert(
    fc.property(fc.nat(20), fc.array(edit, { maxLength: 12 }), (index, edits) => {
      const text = textOf('abcdefghijklmnopqrst')
      const caret = caretIn('a', text, { anchor: index, head: index })
      let marked = index
      for (const { at, insert, remove } of edits) {
        const start = at % (text.length + 1)
        // Any characters may be deleted or inserted, but the one after the caret stays.
        const removed = start <= marked ? Math.min(remove, marked - start) : 0
        if (removed > 0) text.delete(start, removed)
        if (insert !== '') text.insert(start, insert)
        if (start <= marked) marked += insert.length - removed
      }
      expect(selectionIn(text, caret)).toEqual({ anchor: marked, head: marked })
    }),
  )
})

test('[E1] a caret counts the characters that a field shows, with embeds before, at and behind it', () => {
  const text = textOf('hello')
  for (const at of [5, 2, 0]) text.insertEmbed(at, { image: 'x' })
  for (let index = 0; index <= 5; index++) {
    const caret = caretIn('a', text, { anchor: index, head: index })
    expect(selectionIn(text, caret)).toEqual({ anchor: index, head: index })
  }
  const caret = caretIn('a', text, { anchor: 2, head: 5 })
  text.insert(0, '> ')
  text.insertEmbed(0, { image: 'y' })
  expect(selectionIn(text, caret)).toEqual({ anchor: 4, head: 7 })
})

test('[E4] typing at a caret leaves what is said of it as it is', () => {
  for (const index of [3, 5]) {
    const text = textOf('hello')
    const before = caretIn('a', text, { anchor: index, head: index })
    text.insert(index, 'x')
    expect(caretIn('a', text, { anchor: index + 1, head: index + 1 })).toEqual(before)
  }
})

test('[E3] what is no caret of a person is none', () => {
  const place = { item: { client: 1, clock: 0 }, assoc: 0 }
  const cursor = { block: 'a', anchor: place, head: place }
  expect(readCaret(7, { ...ANN, cursor })).toEqual({ clientId: 7, person: ANN, caret: cursor })
  const bad: unknown[] = [
    undefined,
    null,
    'a',
    { ...cursor, block: 1 },
    { ...cursor, head: null },
    { ...cursor, head: { assoc: 0 } },
    { ...cursor, head: { tname: 'blocks', assoc: 0 } },
    { ...cursor, head: { item: { client: -1, clock: 0 }, assoc: 0 } },
    { ...cursor, head: { item: { client: 1, clock: 0.5 }, assoc: 0 } },
    { ...cursor, head: { ...place, type: 'x' } },
  ]
  for (const cursor of bad) expect(readCaret(7, { ...ANN, cursor })).toBeUndefined()
  expect(readCaret(7, { cursor })).toBeUndefined()
})

test('[E3] a caret of another text, of edits that are not here yet or of none that ever were is nowhere', () => {
  const text = textOf('hello')
  const elsewhere = textOf('hello')
  expect(selectionIn(text, caretIn('a', elsewhere, { anchor: 2, head: 2 }))).toBeUndefined()
  const client = text.doc?.clientID ?? 0
  const place = (clock: number) => ({ item: { client, clock }, assoc: 0 })
  const caret = (clock: number): CaretState => ({ block: 'a', anchor: place(clock), head: place(clock) })
  expect(selectionIn(text, caret(1_000))).toBeUndefined()
  // Clock 0 is the text itself, which is not inside a text.
  expect(selectionIn(text, caret(0))).toBeUndefined()
  expect(selectionIn(text, caret(1))).toEqual({ anchor: 0, head: 0 })
  expect(selectionIn(new Y.Text('alone'), caret(1))).toBeUndefined()
})
