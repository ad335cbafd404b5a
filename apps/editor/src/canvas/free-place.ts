import type { FlowNode, Point } from '@joinery/react-flow'
import { boxOf } from './node-box.ts'
import { NODE_SIZE } from './node-size.ts'

/** Least space to the blocks around, pixels of the flow. */
const GAP = 24
/** Rings that are searched around the middle: then the board is so full that blocks may lie on each other. */
const RINGS = 60

/** The place nearest to `middle` where a new block of the usual size lies on no other. */
export function freePlaceNear(middle: Point, nodes: readonly FlowNode[]): Point {
  const first = { x: Math.round(middle.x - NODE_SIZE.width / 2), y: Math.round(middle.y - NODE_SIZE.height / 2) }
  const boxes = nodes.map(boxOf)
  const isFree = ({ x, y }: Point): boolean =>
    boxes.every(
      ({ left, top, right, bottom }) =>
        x >= right + GAP || x + NODE_SIZE.width + GAP <= left || y >= bottom + GAP || y + NODE_SIZE.height + GAP <= top,
    )
  if (isFree(first)) return first
  const [stepX, stepY] = [NODE_SIZE.width / 2, NODE_SIZE.height / 2]
  for (let ring = 1; ring <= RINGS; ring++) {
    const found = ringOf(ring)
      .map(([right, down]) => ({ x: first.x + right * stepX, y: first.y + down * stepY }))
      .find(isFree)
    if (found !== undefined) return found
  }
  return first
}

/** The steps at distance `ring`, the right and lower ones first: a board grows in the direction of reading. */
function ringOf(ring: number): [right: number, down: number][] {
  const steps: [number, number][] = []
  for (let at = -ring; at <= ring; at++) steps.push([ring, at], [at, ring], [-ring, at], [at, -ring])
  return steps.sort(([a, b], [c, d]) => c + d - (a + b))
}
