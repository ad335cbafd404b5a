import type { Node, NodeHandle, Position, XYPosition } from '@xyflow/react'
import type { Point, Size } from './board-position.ts'
import type { LiveDrag } from './live-drags.ts'
import { FRAME_TYPE, type PlacedBlock } from './placed-blocks.ts'

/** A node of React Flow that shows a block. Its type is the block's type. */
export type FlowNode = Node<FlowNodeData, string>
export interface FlowNodeData extends Record<string, unknown> {
  /** Title of the block; undefined if it has none. */
  readonly title: string | undefined
  /** The frame in which the block stands; undefined outside of frames. */
  readonly frame: string | undefined
  /** Yjs client id of another person who drags the block now. */
  readonly movedBy: number | undefined
}

/** Size of a frame that nobody has resized, pixels: six usual blocks. */
export const FRAME_SIZE: Size = { width: 880, height: 560 }
/** Frames lie below the edges and the other nodes. */
const FRAME_LEVEL = -1

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

/** Everything from which a node is made. */
interface Shown {
  readonly view: NodeView | undefined
  readonly at: Point
  readonly frame: string | undefined
  readonly movedBy: number | undefined
  readonly look: NodeLook
  readonly node: FlowNode
}

/** Makes nodes from blocks. A node stays the same object while nothing in it changes, so that React Flow renders only the changed ones. */
export class NodeCache {
  #nodes = new Map<PlacedBlock, Shown>()

  nodesOf(
    blocks: readonly PlacedBlock[],
    views: ReadonlyMap<string, NodeView>,
    drags: ReadonlyMap<string, LiveDrag>,
    look: NodeLook,
  ): FlowNode[] {
    const next = new Map<PlacedBlock, Shown>()
    const ownPlace = (block: PlacedBlock, index: number): Point =>
      block.position ?? look.place(index, blocks.length, block)
    const shownPlace = ({ id }: PlacedBlock): Point | undefined => views.get(id)?.position ?? drags.get(id)?.position
    const frames = new Map<string, Point>()
    for (const [index, block] of blocks.entries()) {
      if (block.type === FRAME_TYPE) frames.set(block.id, shownPlace(block) ?? ownPlace(block, index))
    }
    const nodes = blocks.map((block, index) => {
      const view = views.get(block.id)
      const corner = block.frame && frames.get(block.frame.id)
      const inFrame = block.frame && corner ? { x: corner.x + block.frame.dx, y: corner.y + block.frame.dy } : undefined
      const at = shownPlace(block) ?? inFrame ?? ownPlace(block, index)
      const frame = inFrame && block.frame?.id
      const movedBy = view?.position === undefined ? drags.get(block.id)?.clientId : undefined
      const known = this.#nodes.get(block)
      const isSame =
        known?.view === view &&
        known?.look === look &&
        known?.at.x === at.x &&
        known.at.y === at.y &&
        known.frame === frame &&
        known.movedBy === movedBy
      const shown = { view, at, look, frame, movedBy }
      const entry: Shown = isSame && known !== undefined ? known : { ...shown, node: nodeOf(block, shown) }
      next.set(block, entry)
      return entry.node
    })
    this.#nodes = next
    return nodes
  }
}

function nodeOf(block: PlacedBlock, { view, at, look, frame, movedBy }: Omit<Shown, 'node'>): FlowNode {
  const isFrame = block.type === FRAME_TYPE
  const size = view?.size ?? block.size ?? (isFrame ? FRAME_SIZE : look.size)
  return {
    id: block.id,
    type: block.type,
    data: { title: block.title, frame, movedBy },
    position: { x: at.x, y: at.y },
    ariaLabel: look.label(block),
    ...(isFrame && { zIndex: FRAME_LEVEL }),
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
