import type { Point, Size } from './board-position.ts'

/** Space between two nodes of the grid, pixels: edges have to be seen between columns. */
export const GRID_GAP = { x: 80, y: 48 } as const

/** Columns of the grid by the number of blocks: a board stays roughly as wide as a screen. */
const COLUMNS = [
  [12, 4],
  [64, 8],
  [320, 16],
] as const
const COLUMNS_MAX = 32

/** Number of columns for a board of `count` blocks. */
export function gridColumns(count: number): number {
  return COLUMNS.find(([most]) => count <= most)?.[1] ?? COLUMNS_MAX
}

/**
 * Place in a grid for the block at `index` of `count`, row by row in the order of the blocks. A block that nobody has moved stands
 * there. The place depends on nothing else, so that everybody sees the same board.
 */
export function gridPlace(index: number, count: number, size: Size): Point {
  const columns = gridColumns(count)
  return {
    x: (index % columns) * (size.width + GRID_GAP.x),
    y: Math.floor(index / columns) * (size.height + GRID_GAP.y),
  }
}
