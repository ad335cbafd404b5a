import fc from 'fast-check'
import { expect, it } from 'vitest'
import { linkAddress, pictureAddress } from './addresses.ts'
import { hasMarkdown, type InlinePiece, markdownLines } from './markdown-lines.ts'

/** Each shown piece of text with its index in the source. */
function textsOf(pieces: readonly InlinePiece[]): { at: number; text: string }[] {
  return pieces.flatMap((piece) => {
    if (piece.kind === 'image') return []
    return 'text' in piece ? [{ at: piece.at, text: piece.text }] : textsOf(piece.pieces)
  })
}

const SIGNS = [
  '*',
  '**',
  '_',
  '`',
  '~~',
  '[',
  ']',
  '(',
  ')',
  '!',
  '# ',
  '- ',
  '1. ',
  '> ',
  '```',
  '\n',
  ' ',
  'word',
  '😀',
  'https://a.b',
]

it('[E60] a card shows headings, lists, tasks, quotes, code and lines as Markdown means them', () => {
  const lines = markdownLines('## Plan\n- a\n  1. b\n- [x] done\n> said\n```js\n# code\n```\n---\nplain')
  expect(lines.map(({ kind, level, mark, isDone }) => ({ kind, level, mark, isDone }))).toEqual([
    { kind: 'heading', level: 2 },
    { kind: 'item', level: 0, mark: '•', isDone: false },
    { kind: 'item', level: 1, mark: '1.', isDone: false },
    { kind: 'task', level: 0, mark: '•', isDone: true },
    { kind: 'quote', level: 0 },
    { kind: 'code', level: 0 },
    { kind: 'rule', level: 0 },
    { kind: 'paragraph', level: 0 },
  ])
  expect(lines[5]?.pieces).toMatchObject([{ kind: 'text', text: '# code' }])
})

it('[E60] a card shows bold, italics, code, links and pictures within a line', () => {
  const [line] = markdownLines('a **b *c*** `*d*` [e](https://f.g) ![h](/i.png) snake_case_name https://j.k/l.')
  expect(line?.pieces).toMatchObject([
    { text: 'a ' },
    { kind: 'strong' },
    { kind: 'text' },
    { kind: 'code', text: '*d*' },
    { text: ' ' },
    { kind: 'link', href: 'https://f.g', pieces: [{ text: 'e' }] },
    { text: ' ' },
    { kind: 'image', src: '/i.png', alt: 'h' },
    { text: ' snake_case_name ' },
    { kind: 'link', href: 'https://j.k/l' },
    { text: '.' },
  ])
})

it('[E60] each shown character of any text stands in the source where the card says', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...SIGNS), { maxLength: 30 }), (parts) => {
      const source = parts.join('')
      for (const { pieces } of markdownLines(source)) {
        for (const { at, text } of textsOf(pieces)) expect(source.slice(at, at + text.length)).toBe(text)
      }
      if (!hasMarkdown(source)) {
        expect(
          markdownLines(source)
            .map(({ pieces }) =>
              textsOf(pieces)
                .map(({ text }) => text)
                .join(''),
            )
            .join('\n'),
        ).toBe(source)
      }
    }),
  )
})

it('[E60] a long line of marks without an end is read at once', () => {
  for (const marks of ['**a ', '_a ', '[a', '`a', '~~a ']) {
    const line = marks.repeat(100_000)
    expect(textsOf(markdownLines(line)[0]?.pieces ?? [])).toEqual([{ at: 0, text: line }])
    expect(markdownLines(marks.repeat(1_000))).toHaveLength(1)
  }
})

it('[E60] only addresses that a browser may follow are links, and only pictures of this server are pictures', () => {
  const page = 'https://joinery.example/w/demo'
  expect(linkAddress('https://a.b/c', page)).toBe('https://a.b/c')
  expect(linkAddress('/v1/x', page)).toBe('https://joinery.example/v1/x')
  for (const bad of ['javascript:alert(1)', 'JAVASCRIPT:alert(1)', 'data:text/html,x', 'file:///etc', 'http://['])
    expect(linkAddress(bad, page)).toBeUndefined()
  expect(pictureAddress('/v1/files/a.png', page)).toBe('https://joinery.example/v1/files/a.png')
  expect(pictureAddress('https://tracker.example/a.png', page)).toBeUndefined()
  expect(pictureAddress('data:image/png;base64,AA', page)).toBeUndefined()
})
