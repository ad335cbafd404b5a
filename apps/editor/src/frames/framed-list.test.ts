import type { PlacedBlock } from '@joinery/react-flow'
import { expect, it } from 'vitest'
import { rowsOf } from './framed-list.ts'

const placed = (id: string, type: string, frame?: string): PlacedBlock => ({
  id,
  type,
  title: undefined,
  position: undefined,
  frame: frame === undefined ? undefined : { id: frame, dx: 0, dy: 0 },
  size: undefined,
})

it('[E70] the list has a frame at its place in the order, with its blocks in theirs', () => {
  const rows = rowsOf([
    placed('b', 'text', 'f'),
    placed('a', 'text'),
    placed('f', 'frame'),
    placed('c', 'text', 'f'),
    placed('d', 'text', 'gone'),
  ])
  expect(rows).toEqual([
    { id: 'a', members: undefined },
    { id: 'f', members: ['b', 'c'] },
    { id: 'd', members: undefined },
  ])
})
