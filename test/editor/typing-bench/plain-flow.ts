import {
  applyEdgeChanges,
  applyNodeChanges,
  type Edge,
  type EdgeChange,
  type Node,
  type NodeChange,
} from '@xyflow/react'
import { useCallback, useMemo, useState } from 'react'
import { gridPlace } from '../../../packages/react-flow/src/grid-place.ts'

/**
 * The part of `@joinery/react-flow` that the editor uses, on plain state in the page's memory: nodes and edges as an application
 * without Joinery keeps them, with React Flow's own functions for changes.
 */
interface Plain {
  readonly id: string
  readonly title: string
}
const { plainBlocks: blocks, plainEdges = [] } = globalThis as unknown as {
  plainBlocks: readonly Plain[]
  plainEdges?: readonly Edge[]
}
const placed = blocks.map(({ id, title }) => ({
  id,
  title,
  type: 'text',
  position: undefined,
  frame: undefined,
  size: undefined,
}))
const still = <T>(value: T) => ({ get: () => value, subscribe: () => () => undefined })
const stillPlaced = still(placed)
const nothing = (): void => undefined

export const FRAME_TYPE = 'frame'
export const FRAME_SIZE = { width: 880, height: 560 }
export const placedBlocksOf = () => stillPlaced
export const setPosition = nothing
export const setSize = nothing
export const createFrame = nothing
export const copyBlocks = nothing
export const pasteBlocks = (): string[] => []
export const readCopied = nothing
export const deleteBlocks = (): number => 0

export function useFlowNodes({ size }: { size: { width: number; height: number } }) {
  const [nodes, setNodes] = useState<Node[]>(() =>
    blocks.map(({ id, title }, index) => {
      const point = { y: size.height / 2, width: 1, height: 1 }
      return {
        id,
        type: 'text',
        data: { title, frame: undefined, movedBy: undefined },
        position: gridPlace(index, blocks.length, size),
        ariaLabel: title,
        ...size,
        handles: [
          { type: 'target', position: 'left', x: 0, ...point },
          { type: 'source', position: 'right', x: size.width, ...point },
        ],
      } as Node
    }),
  )
  const onNodesChange = useCallback(
    (changes: NodeChange[]) => setNodes((before) => applyNodeChanges(changes, before)),
    [],
  )
  return useMemo(() => ({ nodes, onNodesChange }), [nodes, onNodesChange])
}

export function useFlowEdges() {
  const [edges, setEdges] = useState<Edge[]>(() => [...plainEdges])
  const onEdgesChange = useCallback(
    (changes: EdgeChange[]) => setEdges((before) => applyEdgeChanges(changes, before)),
    [],
  )
  return useMemo(() => ({ edges, onEdgesChange, onConnect: nothing }), [edges, onEdgesChange])
}
