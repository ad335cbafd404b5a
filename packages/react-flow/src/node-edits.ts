import { type ClaimAuthor, listEdges, removeEdge } from '@joinery/blocks'
import type { Workspace } from '@joinery/client'
import type { NodeChange } from '@xyflow/react'
import { setPosition, setSize } from './board-position.ts'
import type { FlowNode } from './flow-nodes.ts'
import { frameAround, isDropped, movedFrames, takenIn } from './frames.ts'
import { inOneStep } from './one-step.ts'
import { FRAME_TYPE, placedBlocksOf } from './placed-blocks.ts'

/**
 * Writes what React Flow's changes mean for the document: drops, moves by key, finished resizes and deletions, together as one undo
 * step. A block whose middle is dropped in a frame stands in it from then on, and so does one over which a frame is dropped. `nodes`
 * are the shown ones. Blocks that somebody has deleted meanwhile stay deleted.
 */
export function writeNodeChanges(
  workspace: Workspace,
  changes: readonly NodeChange<FlowNode>[],
  nodes: readonly FlowNode[],
  author: ClaimAuthor,
): void {
  // Most changes are the steps of a drag, or sizes that React Flow has measured.
  const isDrop = changes.some(isDropped)
  const frames = isDrop ? movedFrames(nodes, changes) : []
  const shown = new Map(isDrop && frames.length > 0 ? nodes.map((node) => [node.id, node]) : [])
  const edits: (() => void)[] = []
  const gone: string[] = []
  for (const change of changes) {
    if (change.type === 'remove') gone.push(change.id)
    else if (change.type === 'position' && change.dragging !== true && change.position !== undefined) {
      const { id, position } = change
      edits.push(() => {
        const block = workspace.blocks.get(id)
        if (block === undefined) return
        setPosition(block, position, author, frameAround(position, shown.get(id), frames))
      })
    } else if (change.type === 'dimensions' && change.resizing === false && change.dimensions !== undefined) {
      const { id, dimensions } = change
      edits.push(() => {
        const block = workspace.blocks.get(id)
        if (block !== undefined) setSize(block, dimensions, author)
      })
    }
  }
  for (const { id, position, frame } of takenIn(nodes, changes, frames)) {
    edits.push(() => {
      const block = workspace.blocks.get(id)
      if (block !== undefined) setPosition(block, position, author, frame)
    })
  }
  if (gone.length > 0) edits.push(() => removeBlocks(workspace, gone, author))
  if (edits.length === 0) return
  inOneStep(workspace, () => {
    for (const edit of edits) edit()
  })
}

/**
 * Deletes blocks and the edges at them, as one undo step. Ids without a block are skipped. Blocks in a deleted frame stay where they
 * are; `author` is the author of their positions. Returns the number of deleted blocks.
 */
export function deleteBlocks(workspace: Workspace, ids: readonly string[], author: ClaimAuthor): number {
  let count = 0
  inOneStep(workspace, () => {
    count = removeBlocks(workspace, ids, author)
  })
  return count
}

function removeBlocks(workspace: Workspace, ids: readonly string[], author: ClaimAuthor): number {
  const gone = new Set(ids)
  for (const { id, source, target } of listEdges(workspace.doc)) {
    if (gone.has(source) || gone.has(target)) removeEdge(workspace.doc, id)
  }
  const placed = placedBlocksOf(workspace).get()
  const corners = new Map(placed.flatMap(({ id, type, position }) => (type === FRAME_TYPE ? [[id, position]] : [])))
  for (const { id, frame } of placed) {
    if (frame === undefined || !gone.has(frame.id) || gone.has(id)) continue
    const [block, corner] = [workspace.blocks.get(id), corners.get(frame.id)]
    if (block !== undefined && corner !== undefined) {
      setPosition(block, { x: corner.x + frame.dx, y: corner.y + frame.dy }, author)
    }
  }
  return ids.filter((id) => workspace.blocks.delete(id)).length
}
