import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { applyEdits, diffText, forkDoc, getBlock, replaceText } from './index.ts'
import { docWithBlock, syncAll } from './testing/test-docs.ts'
import { EDITS_MAX, STEPS_MAX } from './text-diff.ts'

const sentence = fc
  .array(fc.constantFrom('the', 'cat', ' ', '\n', '😀', '👩‍🚀', '漢', 'é', 'dog', '.'), { maxLength: 60 })
  .map((words) => words.join(''))

test('[B9] a diff turns any text into any other and never splits a surrogate pair', () => {
  fc.assert(
    fc.property(sentence, sentence, (before, after) => {
      const edits = diffText(before, after)
      expect(applyEdits(before, edits)).toBe(after)
      for (const { index, remove, insert } of edits) {
        expect(before.slice(index, index + remove).isWellFormed() && insert.isWellFormed()).toBe(true)
      }
      const doc = new Y.Doc()
      const text = doc.getText('t')
      text.insert(0, before)
      replaceText(text, after)
      expect(text.toString()).toBe(after)
    }),
    { numRuns: 500 },
  )
})

function strewnEvery(every: number): string {
  return Array.from({ length: 133_000 }, (_, at) => (at % every === 0 ? 'xy ' : 'ab ')).join('')
}

/** Texts that take a long search: one piece repeated, with another scattered in. An unbounded search would compare 20,000,000 pieces. */
const strewn = fc
  .record({
    pieces: fc.constantFrom(['.', ';'], ['ab ', 'xy '], ['ab\n', 'xy\n'], ['😀', '😁']),
    every: fc.integer({ min: 300, max: 3_000 }),
    first: fc.nat(300),
  })
  .map(({ pieces: [usual = '', other = ''], every, first }) =>
    Array.from({ length: 133_000 }, (_, at) => ((at + first) % every === 0 ? other : usual)).join(''),
  )

test('[B44] a diff compares no more than its steps, whatever the texts', () => {
  const worst: [string, string] = [`;${strewnEvery(1_000)}`, `.${strewnEvery(1_007)}`]
  fc.assert(
    fc.property(strewn, strewn, (before, after) => {
      const steps = { left: STEPS_MAX }
      const edits = diffText(before, after, steps)
      // The search checks the limit after each run of equal pieces.
      expect(steps.left).toBeGreaterThan(-before.length)
      expect(edits.length).toBeLessThanOrEqual(EDITS_MAX)
      expect(applyEdits(before, edits)).toBe(after)
    }),
    { numRuns: 8, examples: [worst] },
  )
})

test('[B44] a diff that runs out of steps is coarser, and as right', () => {
  const line = fc.array(sentence, { maxLength: 20 }).map((lines) => lines.join('\n'))
  fc.assert(
    fc.property(line, line, fc.nat(2_000), (before, after, left) => {
      const edits = diffText(before, after, { left })
      expect(applyEdits(before, edits)).toBe(after)
      for (const { index, remove, insert } of edits) {
        expect(before.slice(index, index + remove).isWellFormed() && insert.isWellFormed()).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})

test('[B44] a text with too many differences to search for is edited where it differs, between the lines it keeps', () => {
  const text = (word: string, count: number): string =>
    Array.from({ length: count }, (_, line) => `${line} is a line\nwith a ${word} word in the next\n`).join('')
  const edits = diffText(text('good', 1_500), text('better', 1_500))
  expect(edits).toHaveLength(1_500)
  expect(new Set(edits.map(({ remove, insert }) => `${remove} ${insert}`))).toEqual(new Set(['4 better']))
  const [whole, ...others] = diffText(text('good', 3_000), text('better', 3_000))
  expect(others).toEqual([])
  expect(applyEdits(text('good', 3_000), whole === undefined ? [] : [whole])).toBe(text('better', 3_000))
})

test('[B9] one changed word in a long text is one small edit', () => {
  const before = `${'Lorem ipsum dolor. '.repeat(400)}old${' Sit amet.'.repeat(400)}`
  expect(diffText(before, before.replace('old', 'new'))).toEqual([{ index: 7600, remove: 3, insert: 'new' }])
  const two = before.replace('Lorem', 'Larem').replace(/amet\.$/, 'amat.')
  expect(diffText(before, two).map(({ remove, insert }) => [remove, insert])).toEqual([
    [1, 'a'],
    [1, 'a'],
  ])
  const rewritten = diffText('a\n'.repeat(3_000), 'b c\n'.repeat(3_000))
  expect(applyEdits('a\n'.repeat(3_000), rewritten)).toBe('b c\n'.repeat(3_000))
})

test('[B9] concurrent typing stays when a text is replaced around it', () => {
  const { doc, block } = docWithBlock()
  block.content.insert(0, 'The quick fox jumps over the dog.')
  const other = forkDoc(doc)
  getBlock(other, 'b1')?.content.insert(9, ' brown')
  block.replaceContent('The quick fox leaps over the lazy dog.')
  syncAll(doc, other)
  expect(block.text).toBe('The quick brown fox leaps over the lazy dog.')
})

/** A text of characters and embeds; `#` stands for an embed. */
function richText(pieces: string): Y.Text {
  const text = new Y.Doc().getText('t')
  for (const piece of pieces)
    if (piece === '#') text.insertEmbed(text.length, { image: 'x' })
    else text.insert(text.length, piece)
  return text
}

function piecesOf(text: Y.Text): string {
  const delta: { insert?: unknown }[] = text.toDelta()
  return delta.map(({ insert }) => (typeof insert === 'string' ? insert : '#')).join('')
}

test.each([
  ['a#b', 'ab', 'a#b'],
  ['a#b', 'aXb', 'aX#b'],
  ['#a', 'Xa', 'X#a'],
  ['a##', 'aX', 'a##X'],
  ['#', 'X', '#X'],
  ['old# text', 'new text', 'new# text'],
  ['some #old', 'some new', 'some #new'],
  ['old#', 'new', 'new#'],
  ['a #b c# d#', 'a c d', 'a #c# d#'],
  ['a b#c d', 'a d', 'a d'],
  ['one#two', '', ''],
  ['##', '', '##'],
])('[B47] the embeds of %j stay beside the characters that stay when the text becomes %j', (before, next, after) => {
  const text = richText(before)
  replaceText(text, next)
  expect(piecesOf(text)).toBe(after)
})

test('[B47] a rewrite keeps the marks of the characters that stay', () => {
  const text = new Y.Doc().getText('t')
  text.insert(0, 'bold', { bold: true })
  text.insert(4, ' plain', { bold: null })
  text.insertEmbed(4, { image: 'x' }, { width: 3 })
  replaceText(text, 'bolder plain text')
  expect(text.toDelta()).toEqual([
    { insert: 'bolder', attributes: { bold: true } },
    { insert: { image: 'x' }, attributes: { width: 3 } },
    { insert: ' plain text' },
  ])
})

test('[B47] the text of a stock client’s Y.XmlText is its characters, and writing them back changes nothing', () => {
  const { doc, block } = docWithBlock()
  const text = block.map.set('content', new Y.XmlText('soft'))
  text.insert(4, ' hard', { strong: {} })
  expect(block.text).toBe('soft hard')
  const before = Y.encodeStateVector(doc)
  block.replaceContent(block.text)
  expect(Y.encodeStateVector(doc)).toEqual(before)
  block.replaceContent('soft harder')
  expect(text.toString()).toBe('soft<strong> harder</strong>')
})

test('[B47] a text based on a fork keeps its embeds and those that others added since', () => {
  const { doc, block } = docWithBlock()
  block.content.insert(0, 'one two three')
  block.content.insertEmbed(3, { image: 'x' })
  const fork = forkDoc(doc)
  block.content.insertEmbed(11, { image: 'y' })
  block.replaceContent('one 2 three', { basedOn: fork })
  expect(piecesOf(block.content)).toBe('one# 2 th#ree')
})

test('[B10] replacing a text based on a fork keeps what was typed since the fork', () => {
  const { doc, block } = docWithBlock()
  block.content.insert(0, 'Summary: none yet.')
  const fork = forkDoc(doc)
  block.content.insert(block.content.length, ' A person typed this.')
  block.replaceContent('Summary: all good.', { basedOn: fork })
  expect(block.text).toBe('Summary: all good. A person typed this.')
  expect(() => block.replaceContent('x', { basedOn: new Y.Doc() })).toThrow(
    expect.objectContaining({ code: 'bad_argument', field: 'basedOn' }),
  )
})
