import { expect, it } from 'vitest'
import { blockOf, readView } from './shown-view.ts'

it('[E75] a view that a peer shows is kept within bounds, and any other value is none', () => {
  expect(readView({ x: 10, y: -3, zoom: 0.8, more: 1 })).toEqual({ x: 10, y: -3, zoom: 0.8 })
  expect(readView({ x: 0, y: 0, zoom: 99 })?.zoom).toBe(2)
  for (const value of [undefined, null, 'x', { x: 1 }, { x: 1, y: Number.NaN, zoom: 1 }, { x: 1e9, y: 0, zoom: 1 }]) {
    expect(readView(value)).toBeUndefined()
  }
  expect(blockOf({ cursor: { block: 'b' } })).toBe('b')
  expect(blockOf({ cursor: { block: 7 } })).toBeUndefined()
  expect(blockOf({})).toBeUndefined()
})
