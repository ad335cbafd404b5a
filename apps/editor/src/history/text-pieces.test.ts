import fc from 'fast-check'
import { expect, it } from 'vitest'
import { textPieces } from './text-pieces.ts'

const text = fc
  .array(fc.constantFrom('oak', 'ash', 'Oak', ' ', '.', '\n', '🪵', 'é'), { maxLength: 30 })
  .map((it) => it.join(''))

it('[P2] the pieces of two texts give both back when nothing is left out', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const pieces = textPieces(before, after)
      fc.pre(!pieces.some((piece) => piece.text.includes(' … ')))
      const without = (kind: string): string =>
        pieces
          .filter((piece) => piece.kind !== kind)
          .map((piece) => piece.text)
          .join('')
      expect([without('added'), without('removed')]).toEqual([before, after])
      for (const piece of pieces) expect(piece.text.isWellFormed()).toBe(true)
    }),
    { seed: 11, numRuns: 2_000 },
  )
})

it('[P2] a change is shown in whole words, with a little of the unchanged text around it', () => {
  expect(textPieces('typed meanwh now', 'typed meanwhile now')).toEqual([
    { kind: 'same', text: 'typed ' },
    { kind: 'removed', text: 'meanwh' },
    { kind: 'added', text: 'meanwhile' },
    { kind: 'same', text: ' now' },
  ])
  expect(textPieces('cut once', 'cut twice, once').map(({ text }) => text)).toEqual(['cut ', 'twice, ', 'once'])
  const far = textPieces(`a ${'x '.repeat(200)}b`, `A ${'x '.repeat(200)}B`)
  expect(far.map(({ kind }) => kind)).toEqual(['removed', 'added', 'same', 'removed', 'added'])
  expect(far[2]?.text.length).toBeLessThan(140)
})
