import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drawnStart, markText } from './marked-text.ts'

const at = (of: string, anchor: number, head = anchor) => ({ of, selection: { anchor, head } })

test('[E2] the pieces are the text in order, up to the end of the last line that somebody is in', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ' ', '\n', 'ü'), maxLength: 40 })
  const marks = fc.array(fc.record({ anchor: fc.nat(50), head: fc.nat(50) }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(text, marks, (text, selections) => {
      const pieces = markText(
        text,
        selections.map((selection, of) => ({ selection, of })),
      )
      const whole = pieces.map((piece) => piece.text).join('')
      expect(text.startsWith(whole)).toBe(true)
      expect(['\n', undefined]).toContain(text[whole.length])
      selections.forEach(({ anchor, head }, of) => {
        const carets = pieces.filter((piece) => piece.carets.includes(of))
        expect(carets.map(({ start }) => start)).toEqual([Math.min(head, text.length)])
        const selected = pieces.filter((piece) => piece.selectedBy.includes(of)).map((piece) => piece.text)
        expect(selected.join('')).toBe(text.slice(Math.min(anchor, head), Math.max(anchor, head)))
      })
    }),
  )
})

test('[E2] of a long text the start alone is laid out, and who is further down is told apart', () => {
  const text = 'measure twice\n'.repeat(15_000)
  const [near, far] = [at('ann', 20_000), at('bob', 10, 20_001)]
  const { start, drawn, below } = drawnStart(text, [near, far])
  expect([text.startsWith(start), start.length, drawn, below]).toEqual([true, 21_000, [near], [far]])
  expect(markText(start, drawn).map((piece) => piece.text.length)).toEqual([20_000, 5])
  expect(drawnStart('short', [near]).start).toBe('short')
})

test('[E1] two carets in one place share it, and a selection inside another belongs to both', () => {
  expect(markText('hello world', [at('ann', 5), at('bob', 5)])).toEqual([
    { start: 0, text: 'hello', carets: [], selectedBy: [] },
    { start: 5, text: ' world', carets: ['ann', 'bob'], selectedBy: [] },
  ])
  expect(markText('hello', [at('ann', 0, 5), at('bob', 3, 1)]).map(({ selectedBy }) => selectedBy.join())).toEqual([
    'ann',
    'ann,bob',
    'ann',
    '',
  ])
})
