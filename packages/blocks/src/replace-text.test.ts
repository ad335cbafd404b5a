import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { applyEdits, diffText, forkDoc, getBlock, replaceText } from './index.ts'
import { docWithBlock, syncAll } from './test-docs.ts'

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

test('[B9] an embedded object counts as one place and goes when the new text has none', () => {
  const text = new Y.Doc().getText('t')
  text.insert(0, 'ab')
  text.insertEmbed(1, { image: 'x' })
  replaceText(text, 'abc')
  expect(text.toDelta()).toEqual([{ insert: 'abc' }])
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
