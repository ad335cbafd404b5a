import type { FlowNode } from '@joinery/react-flow'
import { expect, it } from 'vitest'
import { freePlaceNear } from './free-place.ts'
import { NODE_SIZE } from './node-size.ts'

it('[E43] a new block gets a place near what is in view, on no other block', () => {
  const nodes: FlowNode[] = []
  for (let made = 0; made < 30; made++) {
    const position = freePlaceNear({ x: 100, y: 100 }, nodes)
    for (const other of nodes) {
      const apart =
        Math.abs(position.x - other.position.x) >= NODE_SIZE.width ||
        Math.abs(position.y - other.position.y) >= NODE_SIZE.height
      expect(apart).toBe(true)
    }
    nodes.push({
      id: `${made}`,
      type: 'text',
      data: { title: undefined, frame: undefined, movedBy: undefined },
      position,
    })
  }
  expect(nodes[0]?.position).toEqual({ x: 100 - NODE_SIZE.width / 2, y: 100 - NODE_SIZE.height / 2 })
  expect(Math.max(...nodes.map(({ position }) => Math.abs(position.x)))).toBeLessThan(3_000)
})
