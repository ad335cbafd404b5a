// @vitest-environment happy-dom
import { plainEditsOf, plainTextOf } from '@joinery/blocks'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { viewOf } from './field-view.ts'
import { bindTextField, indexAfter } from './text-field-binding.ts'

const release: (() => void)[] = []
afterEach(() => {
  for (const end of release.splice(0)) end()
  vi.useRealTimers()
})

/** A field bound to a text, and another person's copy of that text. */
function scene(initial = '', kind: 'textarea' | 'input' = 'textarea') {
  const doc = new Y.Doc()
  const text = doc.getText('t')
  text.insert(0, initial)
  const theirs = new Y.Doc()
  Y.applyUpdate(theirs, Y.encodeStateAsUpdate(doc))
  const field = document.body.appendChild(document.createElement(kind))
  const undone: string[] = []
  const unbind = bindTextField(field, {
    text,
    createText: () => text,
    transact: (edit) => doc.transact(edit, 'person'),
    undo: () => undone.push('undo'),
    redo: () => undone.push('redo'),
  })
  release.push(unbind, () => field.remove())
  const type = (value: string): void => {
    field.value = value
    field.dispatchEvent(new Event('input'))
  }
  const sync = (): void => {
    const mine = Y.encodeStateAsUpdate(doc)
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(theirs), 'remote')
    Y.applyUpdate(theirs, mine)
  }
  return { doc, text, theirs: theirs.getText('t'), field, type, sync, undone, unbind }
}

/** The characters of a text, and `#` for each embed. */
function piecesOf(text: Y.Text): string {
  const delta: { insert?: unknown }[] = text.toDelta()
  return delta.map(({ insert }) => (typeof insert === 'string' ? insert : '#')).join('')
}

describe('bindTextField', () => {
  it('[C142] a long text without the focus shows others’ edits together, and at once when it gets the focus', () => {
    vi.useFakeTimers()
    const long = 'word '.repeat(5_000)
    const { text, theirs, field, type, sync } = scene(long)
    const set = vi.spyOn(field, 'value', 'set')
    for (const letter of 'cba') {
      theirs.insert(0, letter)
      sync()
    }
    expect(field.value).toBe(long)
    vi.advanceTimersByTime(250)
    expect(field.value).toBe(`abc${long}`)
    expect(set).toHaveBeenCalledTimes(1)
    // A program types into it while edits wait: both are kept, each in its place.
    theirs.insert(0, '1 ')
    sync()
    type(`abc${long}end`)
    expect([text.toString(), field.value]).toEqual([`1 abc${long}end`, `1 abc${long}end`])
    sync()
    theirs.insert(0, '2 ')
    sync()
    field.focus()
    expect(field.value).toBe(`2 1 abc${long}end`)
    theirs.insert(0, '3 ')
    sync()
    expect(field.value).toBe(`3 2 1 abc${long}end`)
    set.mockRestore()
  })

  it('[C142] a text that is not long shows each edit as it comes, and an unbound field shows none', () => {
    vi.useFakeTimers()
    const { theirs, field, sync, unbind } = scene('word '.repeat(4_000))
    theirs.insert(0, 'a')
    sync()
    expect(field.value[0]).toBe('a')
    // It is long now.
    theirs.insert(0, 'b')
    sync()
    expect(field.value[0]).toBe('a')
    unbind()
    vi.advanceTimersByTime(1_000)
    expect(field.value[0]).toBe('a')
  })

  it('[C76] turns what is typed into the edits that differ', () => {
    const { text, theirs, type, sync } = scene('the quick fox')
    theirs.insert(0, 'See ')
    type('the quick brown fox')
    sync()
    expect(text.toString()).toBe('See the quick brown fox')
  })

  it('[C76] moves the caret and the selection along when others edit before, inside and after', () => {
    const { theirs, field, sync } = scene('hello world')
    field.focus()
    field.setSelectionRange(6, 11)
    theirs.insert(0, '>> ')
    sync()
    expect([field.value, field.selectionStart, field.selectionEnd]).toEqual(['>> hello world', 9, 14])
    theirs.insert(14, '!')
    sync()
    expect([field.selectionStart, field.selectionEnd]).toEqual([9, 14])
    theirs.delete(0, 11)
    sync()
    expect([field.value, field.selectionStart, field.selectionEnd]).toEqual(['rld!', 0, 3])
  })

  it('[C76] keeps a composition whole when others type meanwhile, and shows both when it ends', () => {
    const { text, theirs, field, type, sync } = scene('ab')
    field.focus()
    field.dispatchEvent(new Event('compositionstart'))
    type('ab漢')
    theirs.insert(0, 'X')
    sync()
    expect(field.value).toBe('ab漢')
    type('ab漢字')
    expect(text.toString()).toBe('Xab漢字')
    field.dispatchEvent(new Event('compositionend'))
    expect(field.value).toBe('Xab漢字')
  })

  it('[C76] keeps the letters of a composition in their places whatever others write around and between them', () => {
    const letters = 'nǐhǎo😀 shì'.split('')
    const remote = fc.array(fc.record({ at: fc.nat(30), insert: fc.constantFrom('X', 'YZ') }), { maxLength: 3 })
    fc.assert(
      fc.property(fc.nat(11), fc.array(remote, { minLength: 12, maxLength: 12 }), (start, betweens) => {
        const { text, theirs, field, type, sync } = scene('hello world')
        const others = (edits: readonly { at: number; insert: string }[]): void => {
          for (const { at, insert } of edits) {
            theirs.insert(Math.min(at, theirs.length), insert)
            sync()
          }
        }
        const shown = (composed: string): string =>
          `${'hello world'.slice(0, start)}${composed}${'hello world'.slice(start)}`
        field.dispatchEvent(new Event('compositionstart'))
        for (const [at, edits] of betweens.entries()) {
          type(shown(letters.slice(0, at).join('')))
          sync()
          others(edits)
          expect(field.value).toBe(shown(letters.slice(0, at).join('')))
        }
        // The input method makes this of it in the end.
        type(shown('你好'))
        field.dispatchEvent(new Event('compositionend'))
        expect(field.value).toBe(text.toString())
        expect(text.toString().replaceAll(/[XYZ]/g, '')).toBe(shown('你好'))
        expect(text.toString().replaceAll(/[^XYZ]/g, '')).toHaveLength(
          betweens.flat().reduce((sum, { insert }) => sum + insert.length, 0),
        )
      }),
      { numRuns: 30 },
    )
  })

  it('[C76] leaves line ends that an input does not show where they are, and counts them for the caret', () => {
    const { text, theirs, field, type, sync } = scene('one\ntwo\nthree', 'input')
    expect(field.value).toBe('onetwothree')
    type('onetwo!three')
    expect(text.toString()).toBe('one\ntwo!\nthree')
    type('onthree')
    expect(text.toString()).toBe('on\nthree')
    type('onethree')
    sync()
    field.focus()
    field.setSelectionRange(3, 8)
    theirs.insert(0, '1\n')
    sync()
    expect(text.toString()).toBe('1\none\nthree')
    expect([field.value, field.selectionStart, field.selectionEnd]).toEqual(['1onethree', 4, 9])
  })

  it('[C76] edits a text with other line ends than those that a textarea shows', () => {
    const view = viewOf('a\r\nb\rc', 'a\nb\nc')
    expect([0, 1, 2, 3, 4, 5].map(view.toText)).toEqual([0, 1, 3, 4, 5, 6])
    expect([0, 1, 3, 4, 5, 6].map(view.toShown)).toEqual([0, 1, 2, 3, 4, 5])
    expect(view.edit({ index: 1, remove: 1, insert: '' })).toEqual({ index: 1, remove: 2, insert: '' })
    expect(view.edit({ index: 2, remove: 3, insert: 'x' })).toEqual({ index: 3, remove: 3, insert: 'x' })
    expect(view.edit({ index: 5, remove: 0, insert: 'x' })).toEqual({ index: 6, remove: 0, insert: 'x' })
  })

  it('[C76] writes beside embeds where the field shows it, and deletes none unless both its sides go', () => {
    const { text, type, field } = scene('AB')
    text.insertEmbed(1, { image: 'x' })
    expect(field.value).toBe('AB')
    type('AXB')
    expect(piecesOf(text)).toBe('AX#B')
    type('AXBY')
    type('ZAXBY')
    expect(piecesOf(text)).toBe('ZAX#BY')
    type('ZXBY')
    type('ZBY')
    expect(piecesOf(text)).toBe('Z#BY')
    type('ZY')
    expect(piecesOf(text)).toBe('Z#Y')
    type('')
    expect(piecesOf(text)).toBe('')
  })

  it('[C76] keeps the caret at its characters when others edit around embeds before, at and behind it', () => {
    const { theirs, field, sync } = scene('hello world')
    theirs.insertEmbed(11, { image: 'behind' })
    theirs.insertEmbed(6, { image: 'at' })
    theirs.insertEmbed(0, { image: 'before' })
    field.focus()
    field.setSelectionRange(6, 11)
    sync()
    const selection = () => [field.value, field.selectionStart, field.selectionEnd]
    expect(selection()).toEqual(['hello world', 6, 11])
    theirs.insert(1, '>> ')
    sync()
    expect(selection()).toEqual(['>> hello world', 9, 14])
    // The image before, and the first two characters.
    theirs.delete(0, 3)
    sync()
    expect(selection()).toEqual([' hello world', 7, 12])
    // The image at the caret.
    theirs.delete(7, 1)
    theirs.format(0, 9, { bold: true })
    sync()
    expect(selection()).toEqual([' hello world', 7, 12])
    theirs.insert(theirs.length, '!')
    sync()
    expect(selection()).toEqual([' hello world!', 7, 12])
    expect(piecesOf(theirs)).toBe(' hello world#!')
  })

  it('[C76] keeps a composition in its place beside embeds that others add meanwhile', () => {
    const { text, theirs, field, type, sync } = scene('ab cd')
    text.insertEmbed(2, { image: 'x' })
    sync()
    field.dispatchEvent(new Event('compositionstart'))
    type('ab cdh')
    sync()
    theirs.insertEmbed(0, { image: 'y' })
    theirs.insert(1, 'X')
    sync()
    type('ab cdhǎ')
    type('ab cd好')
    expect(piecesOf(text)).toBe('#Xab# cd好')
    type('ad好')
    expect(piecesOf(text)).toBe('#Xad好')
    field.dispatchEvent(new Event('compositionend'))
    expect(field.value).toBe('Xad好')
  })

  it('[C76] leaves undo to the workspace', () => {
    const { field, undone } = scene('a')
    for (const inputType of ['historyUndo', 'historyRedo']) {
      const event = new InputEvent('beforeinput', { inputType, cancelable: true })
      field.dispatchEvent(event)
      expect(event.defaultPrevented).toBe(true)
    }
    expect(undone).toEqual(['undo', 'redo'])
  })

  it('[C76] creates the text when somebody types where there is none', () => {
    const doc = new Y.Doc()
    const field = document.createElement('textarea')
    const unbind = bindTextField(field, {
      text: undefined,
      createText: () => doc.getText('t'),
      transact: (edit) => doc.transact(edit),
      undo: () => undefined,
      redo: () => undefined,
    })
    release.push(unbind)
    field.value = 'first'
    field.dispatchEvent(new Event('input'))
    expect(doc.getText('t').toString()).toBe('first')
    doc.getText('t').insert(0, '> ')
    expect(field.value).toBe('> first')
  })

  it('[C76] hears and says nothing when it has let the field go', () => {
    const { text, field, type, unbind } = scene('a')
    unbind()
    text.insert(0, 'b')
    expect(field.value).toBe('a')
    type('c')
    expect(text.toString()).toBe('ba')
  })

  it('[C76] field and text agree after any typing and any remote edits, compositions included', () => {
    const word = fc.string({ maxLength: 6 })
    const step = fc.oneof(
      fc.record({ kind: fc.constant('type' as const), at: fc.nat(30), remove: fc.nat(4), insert: word }),
      fc.record({ kind: fc.constant('remote' as const), at: fc.nat(30), remove: fc.nat(4), insert: word }),
      fc.record({ kind: fc.constantFrom('embed' as const, 'mark' as const), at: fc.nat(30) }),
      fc.record({ kind: fc.constantFrom('compositionstart' as const, 'compositionend' as const) }),
    )
    fc.assert(
      fc.property(word, fc.array(step, { maxLength: 20 }), (initial, steps) => {
        const { text, theirs, field, type, sync } = scene(initial)
        let isComposing = false
        for (const one of steps) {
          if (!('at' in one)) {
            isComposing = one.kind === 'compositionstart'
            field.dispatchEvent(new Event(one.kind))
          } else if (one.kind === 'type') {
            const at = Math.min(one.at, field.value.length)
            type(field.value.slice(0, at) + one.insert + field.value.slice(at + one.remove))
          } else if (one.kind === 'remote') {
            const at = Math.min(one.at, theirs.length)
            theirs.delete(at, Math.min(one.remove, theirs.length - at))
            theirs.insert(at, one.insert)
            sync()
          } else if (one.kind === 'embed') {
            theirs.insertEmbed(Math.min(one.at, theirs.length), { image: 'x' })
            sync()
          } else {
            const at = Math.min(one.at, theirs.length)
            if (at < theirs.length) theirs.format(at, Math.min(4, theirs.length - at), { bold: true })
            sync()
          }
          if (!isComposing) expect(field.value).toBe(plainTextOf(text))
        }
        field.dispatchEvent(new Event('compositionend'))
        expect(field.value).toBe(text.toString())
        sync()
        sync()
        expect(theirs.toString()).toBe(text.toString())
      }),
    )
  })
})

describe('indexAfter', () => {
  it('[C76] follows the character at an index through any edits that leave it alone', () => {
    const edit = fc.record({ index: fc.nat(20), remove: fc.nat(3), insert: fc.string({ maxLength: 3 }) })
    fc.assert(
      fc.property(fc.nat(20), fc.array(edit, { maxLength: 8 }), (index, raw) => {
        const text = new Y.Doc().getText('t')
        text.insert(0, 'x'.repeat(20))
        const marker = '#'
        text.insert(index, marker)
        const before = index
        let edits: ReturnType<typeof plainEditsOf> = []
        text.observe((event) => {
          edits = [...edits, ...plainEditsOf(event)]
        })
        for (const { index: at, remove, insert } of raw) {
          const start = Math.min(at, text.length)
          const place = text.toString().indexOf(marker)
          const count = Math.min(remove, text.length - start, place >= start ? place - start : Number.POSITIVE_INFINITY)
          text.delete(start, count)
          text.insert(start, insert.replaceAll(marker, 'x'))
        }
        // Text that is inserted right at an index comes after it, so the marker may only have moved on from there.
        const place = text.toString().indexOf(marker)
        const after = indexAfter(edits, before)
        expect(after).toBeLessThanOrEqual(place)
        expect(text.toString().slice(after, place)).not.toContain(marker)
        expect(indexAfter(edits, before + 1)).toBe(place + 1)
      }),
    )
  })
})
