import type { ClaimAuthor } from '@joinery/blocks'
import { useObservable, useWorkspace } from '@joinery/react'
import type { OnNodesChange } from '@xyflow/react'
import { useCallback, useMemo, useState } from 'react'
import type { Point, Size } from './board-position.ts'
import { type FlowNode, NodeCache, type NodeLook, type NodeView } from './flow-nodes.ts'
import { gridPlace } from './grid-place.ts'
import { writeNodeChanges } from './node-edits.ts'
import { changedViews } from './node-views.ts'
import { type PlacedBlock, placedBlocksOf } from './placed-blocks.ts'

export interface FlowNodesOptions {
  /** The author of moves, resizes and deletions. */
  readonly author: ClaimAuthor
  /**
   * Size of a node that nobody has resized, pixels. With it the nodes have fixed sizes, and edges are drawn also to nodes that
   * `onlyRenderVisibleElements` leaves out. Without it the browser measures each node. A new object with the same values changes
   * nothing.
   */
  readonly size?: Size | undefined
  /** Where a block stands that nobody has moved; by default in a grid, in the order of the blocks. Must be a stable function. */
  readonly place?: (index: number, count: number, block: PlacedBlock) => Point
  /** Name of a node for screen readers, by default the block's title or id. Must be a stable function. */
  readonly label?: (block: PlacedBlock) => string
}

export interface FlowNodes {
  /** The blocks as nodes, in the blocks' order. A node is the same object until it changes. */
  readonly nodes: FlowNode[]
  /**
   * Takes React Flow's changes. A drop, a move by key, a resize and a deletion become edits of the workspace, each one undo step;
   * selections and drags under way stay on this screen.
   */
  readonly onNodesChange: OnNodesChange<FlowNode>
}

/** Size that the grid counts with for nodes that are measured, pixels. */
const GRID_SIZE: Size = { width: 320, height: 240 }

/**
 * The blocks of the workspace as nodes of React Flow. Renders again when a block comes, goes, moves or gets another type, title or
 * size, and when something is selected or dragged here; not while somebody types, nor for statuses.
 */
export function useFlowNodes({ author, size, place, label = titleOrId }: FlowNodesOptions): FlowNodes {
  const workspace = useWorkspace()
  const blocks = useObservable(placedBlocksOf(workspace))
  const [views, setViews] = useState<ReadonlyMap<string, NodeView>>(NO_VIEWS)
  const [cache] = useState(() => new NodeCache())
  const { width, height } = size ?? {}
  const look = useMemo<NodeLook>(() => {
    const fixed = width === undefined || height === undefined ? undefined : { width, height }
    return { size: fixed, label, place: place ?? ((index, count) => gridPlace(index, count, fixed ?? GRID_SIZE)) }
  }, [width, height, place, label])
  const nodes = useMemo(() => cache.nodesOf(blocks, views, look), [cache, blocks, views, look])
  const { source, actor } = author
  const onNodesChange = useCallback<OnNodesChange<FlowNode>>(
    (changes) => {
      // Written first: the same render then shows the new position of the document in the place of the dragged one.
      writeNodeChanges(workspace, changes, { source, actor })
      setViews((before) => changedViews(before, changes))
    },
    [workspace, source, actor],
  )
  return useMemo(() => ({ nodes, onNodesChange }), [nodes, onNodesChange])
}

const NO_VIEWS: ReadonlyMap<string, NodeView> = new Map()
const titleOrId = ({ title, id }: PlacedBlock): string => title ?? id
