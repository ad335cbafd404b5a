import type { Node } from '@xyflow/react'
import { NODE_SIZE } from './node-size.ts'

export type PlacedNode = Pick<Node, 'id' | 'position' | 'width' | 'height' | 'type'>

/** The sides of a rectangle, pixels of the flow or of the screen. */
export type Box = Pick<DOMRect, 'left' | 'top' | 'right' | 'bottom'>

/** The rectangle that a node covers, pixels of the flow. */
export function boxOf({ position: { x, y }, width = NODE_SIZE.width, height = NODE_SIZE.height }: PlacedNode): Box {
  return { left: x, top: y, right: x + width, bottom: y + height }
}
