import type { FlowEdge } from '@joinery/react-flow'
import {
  BezierEdge,
  type EdgeProps,
  type ReactFlowState,
  SmoothStepEdge,
  useInternalNode,
  useStore,
} from '@xyflow/react'
import { memo, type ReactNode, useCallback } from 'react'
import { pointAt, sidesOf } from './edge-sides.ts'

/** An arc runs in the middle of the space between two rows of the grid, pixels. */
const ARC = { offset: 24, borderRadius: 16 }

/** Edge between two blocks: a curve between their facing sides, or an arc around the blocks between them. */
export const BlockEdge = memo(function BlockEdge(edge: EdgeProps<FlowEdge>): ReactNode {
  const { source: sourceId, target: targetId } = edge
  const source = useInternalNode(sourceId)
  const target = useInternalNode(targetId)
  const sides = useStore(
    useCallback(
      ({ nodeLookup, nodes }: ReactFlowState) => {
        const [source, target] = [nodeLookup.get(sourceId), nodeLookup.get(targetId)]
        return source && target && sidesOf(source, target, nodes)
      },
      [sourceId, targetId],
    ),
  )
  if (source === undefined || target === undefined || sides === undefined) return null
  const [start, end] = [pointAt(source, sides.from), pointAt(target, sides.to)]
  const course = {
    ...edge,
    sourceX: start.x,
    sourceY: start.y,
    sourcePosition: sides.from,
    targetX: end.x,
    targetY: end.y,
    targetPosition: sides.to,
  }
  return sides.from === sides.to ? <SmoothStepEdge {...course} pathOptions={ARC} /> : <BezierEdge {...course} />
})
