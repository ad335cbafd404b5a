import { FRAME_TYPE, type Point } from '@joinery/react-flow'
import { Position } from '@xyflow/react'
import { type Box, boxOf, type PlacedNode } from './node-box.ts'

/** The sides at which an edge leaves its source and reaches its target. If both are the same side, the edge goes around as an arc. */
export interface EdgeSides {
  readonly from: Position
  readonly to: Position
}

/** Half the width of a handle, pixels: an arrow ends before the handle that covers the middle of the left or the right side. */
const HANDLE_RADIUS = 7

const RIGHTWARD: EdgeSides = { from: Position.Right, to: Position.Left }
const LEFTWARD: EdgeSides = { from: Position.Left, to: Position.Right }
const DOWNWARD: EdgeSides = { from: Position.Bottom, to: Position.Top }
const UPWARD: EdgeSides = { from: Position.Top, to: Position.Bottom }
const ABOVE: EdgeSides = { from: Position.Top, to: Position.Top }
const BESIDE: EdgeSides = { from: Position.Right, to: Position.Right }

/**
 * The facing sides of two nodes. Nodes in one row or in one column are connected by an arc if another node stands between them,
 * because a line behind that node would read as two edges. The same sides are the same object.
 */
export function sidesOf(source: PlacedNode, target: PlacedNode, nodes: readonly PlacedNode[]): EdgeSides {
  const [from, to] = [boxOf(source), boxOf(target)]
  const isRow = from.top < to.bottom && to.top < from.bottom
  const isColumn = from.left < to.right && to.left < from.right
  const isBetween = (node: PlacedNode): boolean =>
    node.id !== source.id &&
    node.id !== target.id &&
    node.type !== FRAME_TYPE &&
    isCrossed(boxOf(node), middleOf(from), middleOf(to))
  if (isRow !== isColumn && nodes.some(isBetween)) return isRow ? ABOVE : BESIDE
  if (isColumn && !isRow) return from.top < to.top ? DOWNWARD : UPWARD
  return isColumn || from.left < to.left ? RIGHTWARD : LEFTWARD
}

/** The middle of a side of a node. */
export function pointAt(node: PlacedNode, side: Position): Point {
  const box = boxOf(node)
  const { x, y } = middleOf(box)
  if (side === Position.Left) return { x: box.left - HANDLE_RADIUS, y }
  if (side === Position.Right) return { x: box.right + HANDLE_RADIUS, y }
  return { x, y: side === Position.Top ? box.top : box.bottom }
}

const middleOf = ({ left, top, right, bottom }: Box): Point => ({ x: (left + right) / 2, y: (top + bottom) / 2 })

/** Whether a box touches the rectangle between two points. */
const isCrossed = ({ left, top, right, bottom }: Box, a: Point, b: Point): boolean =>
  left <= Math.max(a.x, b.x) && right >= Math.min(a.x, b.x) && top <= Math.max(a.y, b.y) && bottom >= Math.min(a.y, b.y)
