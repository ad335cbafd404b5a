import type { Node, NodeHandle, Position, XYPosition } from '@xyflow/react'
import type { Point, Size } from './board-position.ts'
import type { PlacedBlock } from './placed-blocks.ts'

/** A node of React Flow that shows a block. Its type is the block's type. */
export type FlowNode = Node<FlowNodeData, string>
export interface FlowNodeData extends Record<string, unknown> {
  /** Title of the block; undefined if it has none. */
  readonly title: string | undefined
}

/** State of a node on this screen alone. */
export interface NodeView {
  readonly selected?: boolean
  /** Where the node is while it is dragged here. */
  readonly position?: XYPosition
  readonly dragging?: boolean
  /** Its size while it is resized here. */
  readonly size?: Size
  readonly resizing?: boolean
  readonly measured?: Size
}

export interface NodeLook {
  /** Size of a node that nobody has resized; undefined if the page's styles and the content decide. */
  readonly size: Size | undefined
  readonly place: (index: number, count: number, block: PlacedBlock) => Point
  readonly label: (block: PlacedBlock) => string
}

interface Shown {
  readonly view: NodeView | undefined
  readonly at: Point
  readonly look: NodeLook
  readonly node: FlowNode
}

/** Makes nodes from blocks. A node stays the same object while nothing in it changes, so that React Flow renders only the changed ones. */
export class NodeCache {
  #nodes = new Map<PlacedBlock, Shown>()

  nodesOf(blocks: readonly PlacedBlock[], views: ReadonlyMap<string, NodeView>, look: NodeLook): FlowNode[] {
    const next = new Map<PlacedBlock, Shown>()
    const nodes = blocks.map((block, index) => {
      const view = views.get(block.id)
      const at = view?.position ?? block.position ?? look.place(index, blocks.length, block)
      const known = this.#nodes.get(block)
      const isSame = known?.view === view && known?.look === look && known?.at.x === at.x && known.at.y === at.y
      const entry: Shown =
        isSame && known !== undefined ? known : { view, at, look, node: nodeOf(block, view, at, look) }
      next.set(block, entry)
      return entry.node
    })
    this.#nodes = next
    return nodes
  }
}

function nodeOf(block: PlacedBlock, view: NodeView | undefined, at: Point, look: NodeLook): FlowNode {
  const size = view?.size ?? block.size ?? look.size
  return {
    id: block.id,
    type: block.type,
    data: { title: block.title },
    position: { x: at.x, y: at.y },
    ariaLabel: look.label(block),
    ...(size !== undefined && { width: size.width, height: size.height, handles: handlesOf(size) }),
    ...(view?.selected === true && { selected: true }),
    ...(view?.dragging === true && { dragging: true }),
    ...(view?.resizing === true && { resizing: true }),
    ...(view?.measured !== undefined && { measured: { ...view.measured } }),
  }
}

/** Handles at the middle of the left and the right side: with them an edge is drawn also while its node is out of sight and not in the page. */
function handlesOf({ width, height }: Size): NodeHandle[] {
  const point = { y: height / 2, width: 1, height: 1 }
  return [
    { type: 'target', position: 'left' as Position, x: 0, ...point },
    { type: 'source', position: 'right' as Position, x: width, ...point },
  ]
}
