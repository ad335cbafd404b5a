import type { ClaimAuthor } from '@joinery/blocks'
import { useObservable, useWorkspace } from '@joinery/react'
import type { OnNodesChange } from '@xyflow/react'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { Point, Size } from './board-position.ts'
import { type FlowNode, NodeCache, type NodeLook, type NodeView } from './flow-nodes.ts'
import { gridPlace } from './grid-place.ts'
import { DragSharer, liveDragsOf } from './live-drags.ts'
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
   * selections stay on this screen. Others see a drag under way while this client shows a presence.
   */
  readonly onNodesChange: OnNodesChange<FlowNode>
}

/** Size that the grid counts with for nodes that are measured, pixels. */
const GRID_SIZE: Size = { width: 320, height: 240 }

/**
 * The blocks of the workspace as nodes of React Flow. Renders again when a block comes, goes, moves or gets another type, title or
 * size, when something is selected here, and while somebody drags; not while somebody types, nor for statuses. A node stays
 * where others drag it, with their client id in `data.movedBy`, and in a frame that moves it moves along.
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
  const drags = useObservable(liveDragsOf(workspace))
  const nodes = useMemo(() => cache.nodesOf(blocks, views, drags, look), [cache, blocks, views, drags, look])
  const latest = useRef(nodes)
  useLayoutEffect(() => {
    latest.current = nodes
  })
  const sharer = useMemo(() => new DragSharer(workspace), [workspace])
  useEffect(() => () => sharer.end(), [sharer])
  const { source, actor } = author
  const onNodesChange = useCallback<OnNodesChange<FlowNode>>(
    (changes) => {
      // Written first: the same render then shows the new position of the document in the place of the dragged one.
      writeNodeChanges(workspace, changes, latest.current, { source, actor })
      sharer.note(changes)
      setViews((before) => changedViews(before, changes))
    },
    [workspace, sharer, source, actor],
  )
  return useMemo(() => ({ nodes, onNodesChange }), [nodes, onNodesChange])
}

const NO_VIEWS: ReadonlyMap<string, NodeView> = new Map()
const titleOrId = ({ title, id }: PlacedBlock): string => title ?? id
