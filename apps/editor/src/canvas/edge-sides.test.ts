import { Position } from '@xyflow/react'
import { expect, it } from 'vitest'
import { pointAt, sidesOf } from './edge-sides.ts'
import type { PlacedNode } from './node-box.ts'

const { Left, Right, Top, Bottom } = Position
const at = (id: string, x: number, y: number): PlacedNode => ({ id, position: { x, y }, width: 300, height: 200 })

it('[E56] an edge connects the facing sides, whichever of its blocks stands to the left or above', () => {
  const node = at('source', 0, 0)
  const cases = [
    [at('right', 400, 50), Right, Left],
    [at('left', -400, -50), Left, Right],
    [at('below', 50, 300), Bottom, Top],
    [at('above', -50, -300), Top, Bottom],
    [at('right, below', 400, 300), Right, Left],
    [at('left, above', -400, -300), Left, Right],
    [at('overlapping', -100, 100), Right, Left],
  ] as const
  for (const [target, from, to] of cases) {
    expect({ id: target.id, ...sidesOf(node, target, [node, target]) }).toEqual({ id: target.id, from, to })
  }
})

it('[E56] an edge goes around the blocks that stand between its own', () => {
  const row = [at('a', 0, 0), at('b', 400, 0), at('c', 800, 0)] as const
  const column = [at('a', 0, 0), at('b', 0, 300), at('c', 0, 600)] as const
  expect(sidesOf(row[0], row[2], row)).toEqual({ from: Top, to: Top })
  expect(sidesOf(row[2], row[0], row)).toEqual({ from: Top, to: Top })
  expect(sidesOf(column[0], column[2], column)).toEqual({ from: Right, to: Right })
  expect(sidesOf(column[2], column[0], column)).toEqual({ from: Right, to: Right })
  // Neighbours face each other, and a block that stands aside is in nobody's way.
  expect(sidesOf(row[2], row[1], row)).toEqual({ from: Left, to: Right })
  expect(sidesOf(row[2], row[0], [row[0], at('aside', 400, 250), row[2]])).toEqual({ from: Left, to: Right })
})

it('[E56] an edge ends at the middle of a side, and beside a handle', () => {
  const node = at('a', 100, 50)
  expect(pointAt(node, Top)).toEqual({ x: 250, y: 50 })
  expect(pointAt(node, Bottom)).toEqual({ x: 250, y: 250 })
  expect(pointAt(node, Left)).toEqual({ x: 93, y: 150 })
  expect(pointAt(node, Right)).toEqual({ x: 407, y: 150 })
})
