import type { Block, ClaimAuthor } from '@joinery/blocks'
import { placeLast, type Workspace } from '@joinery/client'
import type { NodeChange } from '@xyflow/react'
import { type Point, type Size, setPosition, setSize } from './board-position.ts'
import { type FlowNode, FRAME_SIZE } from './flow-nodes.ts'
import { inOneStep } from './one-step.ts'
import { FRAME_TYPE } from './placed-blocks.ts'

/** A frame where it stands. */
export interface PlacedFrame {
  readonly id: string
  readonly position: Point
  readonly size: Size
}

/** Space between a frame and the blocks that it was made around, pixels; at the top there is room for its title. */
const SPACE = 32
const TITLE_SPACE = 76

/**
 * Makes a frame around nodes, which stand in it from then on, as one undo step. Without nodes the frame is empty and stands at
 * `at`. Frames among the nodes stay outside: a frame has no frame.
 */
export function createFrame(
  workspace: Workspace,
  nodes: readonly FlowNode[],
  { title, author, at = { x: 0, y: 0 } }: { readonly title: string; readonly author: ClaimAuthor; readonly at?: Point },
): Block {
  const members = nodes.filter(({ type }) => type !== FRAME_TYPE)
  const lefts = members.map(({ position }) => position.x)
  const tops = members.map(({ position }) => position.y)
  const isEmpty = members.length === 0
  const corner = isEmpty ? at : { x: Math.min(...lefts) - SPACE, y: Math.min(...tops) - TITLE_SPACE }
  const right = Math.max(...members.map(({ position, width = 0 }) => position.x + width))
  const bottom = Math.max(...members.map(({ position, height = 0 }) => position.y + height))
  const size = isEmpty ? FRAME_SIZE : { width: right - corner.x + SPACE, height: bottom - corner.y + SPACE }
  const make = (): Block => {
    const block = workspace.blocks.create({ type: FRAME_TYPE })
    block.fields.set('title', title, author)
    placeLast(workspace, block.id, author)
    setPosition(block, corner, author)
    setSize(block, size, author)
    for (const { id, position } of members) {
      const member = workspace.blocks.get(id)
      if (member !== undefined) setPosition(member, position, author, { id: block.id, position: corner })
    }
    return block
  }
  let made: Block | undefined
  inOneStep(workspace, () => {
    made = make()
  })
  return made as Block
}

/** All frames, at the places and in the sizes that they have after `changes`. */
export function movedFrames(nodes: readonly FlowNode[], changes: readonly NodeChange<FlowNode>[]): PlacedFrame[] {
  const moved = new Map(changes.flatMap((change) => (change.type === 'position' ? [[change.id, change.position]] : [])))
  const sizes = new Map(
    changes.flatMap((change) => (change.type === 'dimensions' ? [[change.id, change.dimensions]] : [])),
  )
  return nodes.flatMap(({ id, type, position, width, height }) =>
    type === FRAME_TYPE
      ? {
          id,
          position: moved.get(id) ?? position,
          size: sizes.get(id) ?? { width: width ?? FRAME_SIZE.width, height: height ?? FRAME_SIZE.height },
        }
      : [],
  )
}

/** The blocks that stand in no frame, and over which `changes` drop one of `frames` or make it larger, each with that frame. */
export function takenIn(
  nodes: readonly FlowNode[],
  changes: readonly NodeChange<FlowNode>[],
  frames: readonly PlacedFrame[],
): { readonly id: string; readonly position: Point; readonly frame: PlacedFrame }[] {
  const changed = new Set(changes.flatMap((change) => (isDropped(change) ? [change.id] : [])))
  const dropped = frames.filter(({ id }) => changed.has(id))
  if (dropped.length === 0) return []
  return nodes.flatMap((node) => {
    const { id, position, data } = node
    if (changed.has(id) || data.frame !== undefined) return []
    const frame = frameAround(position, node, frames)
    return frame !== undefined && dropped.includes(frame) ? [{ id, position, frame }] : []
  })
}

/** Whether a change ends a move or a resize. */
export function isDropped(change: NodeChange<FlowNode>): change is NodeChange<FlowNode> & { readonly id: string } {
  return (
    (change.type === 'position' && change.dragging !== true && change.position !== undefined) ||
    (change.type === 'dimensions' && change.resizing === false)
  )
}

/** The smallest frame that has the middle of a node at `position` in it; undefined outside of all, and for frames. */
export function frameAround(
  position: Point,
  node: FlowNode | undefined,
  frames: readonly PlacedFrame[],
): PlacedFrame | undefined {
  if (node === undefined || node.type === FRAME_TYPE) return undefined
  const width = node.width ?? node.measured?.width ?? 0
  const height = node.height ?? node.measured?.height ?? 0
  const [x, y] = [position.x + width / 2, position.y + height / 2]
  const around = frames.filter(
    ({ position: { x: left, y: top }, size }) =>
      x >= left && x <= left + size.width && y >= top && y <= top + size.height,
  )
  return around.sort((a, b) => a.size.width * a.size.height - b.size.width * b.size.height)[0]
}
