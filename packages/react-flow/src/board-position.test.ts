import { createBlock, getBlock } from '@joinery/blocks'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { POSITION_MAX, readPosition, readSize, SIZE_MAX, SIZE_MIN, setPosition, setSize } from './board-position.ts'
import { gridColumns, gridPlace } from './grid-place.ts'

const ann = { source: 'user_action', actor: 'ann' } as const

function boardWith(id: string) {
  const doc = new Y.Doc()
  return { doc, block: createBlock(doc, id, { type: 'text' }) }
}

describe('positions', () => {
  it('[RF1] of moves at the same time one whole position stays, the same for everybody', () => {
    const coordinate = fc.integer({ min: -5_000, max: 5_000 })
    const move = fc.record({
      by: fc.nat(2),
      x: coordinate,
      y: coordinate,
      source: fc.constantFrom('user_action', 'workflow_execution', 'instantiation', 'polling_sync'),
      /** Whether the mover hears of all others afterwards. */
      hears: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(move, { minLength: 1, maxLength: 12 }), (moves) => {
        const first = boardWith('a').doc
        const docs = [first, new Y.Doc(), new Y.Doc()]
        const hear = (doc: Y.Doc) => {
          for (const other of docs) Y.applyUpdate(doc, Y.encodeStateAsUpdate(other))
        }
        for (const doc of docs) hear(doc)
        for (const { by, x, y, source, hears } of moves) {
          const doc = docs[by] ?? first
          const block = getBlock(doc, 'a')
          if (block !== undefined) setPosition(block, { x, y }, { source, actor: `actor ${by}` })
          if (hears) hear(doc)
        }
        for (const doc of [...docs, ...docs]) hear(doc)
        const ends = docs.map((doc) => readPosition(getBlock(doc, 'a')?.fields.get('position')))
        expect(ends[1]).toEqual(ends[0])
        expect(ends[2]).toEqual(ends[0])
        expect(moves.map(({ x, y }) => ({ x, y }))).toContainEqual(ends[0])
      }),
      { numRuns: 20 },
    )
  })

  it('[RF2] a value that is no position or no size counts as none', () => {
    const none = [undefined, null, 1, 'x', [1, 2], {}, { x: 1 }, { x: 1, y: '2' }, { x: 1, y: POSITION_MAX + 1 }]
    for (const value of none) expect(readPosition(value as never)).toBeUndefined()
    expect(readPosition({ x: 1, y: -2, z: 3 })).toEqual({ x: 1, y: -2 })
    const sizes = [null, { width: 1, height: 100 }, { width: 100, height: SIZE_MAX + 1 }, { width: '100', height: 100 }]
    for (const value of sizes) expect(readSize(value)).toBeUndefined()
    expect(readSize({ width: SIZE_MIN, height: SIZE_MAX })).toEqual({ width: SIZE_MIN, height: SIZE_MAX })
  })

  it('[RF2] written positions and sizes are whole pixels within the limits', () => {
    const { block } = boardWith('a')
    fc.assert(
      fc.property(fc.double(), fc.double(), (a, b) => {
        setPosition(block, { x: a, y: b }, ann)
        setSize(block, { width: a, height: b }, ann)
        const at = readPosition(block.fields.get('position')) ?? expect.fail('no position')
        const size = readSize(block.fields.get('size')) ?? expect.fail('no size')
        for (const value of [at.x, at.y, size.width, size.height]) expect(Number.isInteger(value)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it('[RF3] no two places of the grid overlap', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), (count) => {
        const size = { width: 300, height: 200 }
        const places = Array.from({ length: count }, (_, index) => gridPlace(index, count, size))
        expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(count)
        for (const { x, y } of places) expect([x % 380, y % 248]).toEqual([0, 0])
        expect(Math.max(...places.map(({ x }) => x))).toBeLessThan(gridColumns(count) * 380)
      }),
      { numRuns: 30 },
    )
  })
})
