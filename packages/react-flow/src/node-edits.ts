import { type ClaimAuthor, listEdges, removeEdge } from '@joinery/blocks'
import type { Workspace } from '@joinery/client'
import type { NodeChange } from '@xyflow/react'
import { setPosition, setSize } from './board-position.ts'
import type { FlowNode } from './flow-nodes.ts'
import { inOneStep } from './one-step.ts'

/**
 * Writes what React Flow's changes mean for the document: drops, moves by key, finished resizes and deletions, together as one undo
 * step. Blocks that somebody has deleted meanwhile stay deleted.
 */
export function writeNodeChanges(
  workspace: Workspace,
  changes: readonly NodeChange<FlowNode>[],
  author: ClaimAuthor,
): void {
  const edits: (() => void)[] = []
  const gone: string[] = []
  for (const change of changes) {
    if (change.type === 'remove') gone.push(change.id)
    else if (change.type === 'position' && change.dragging !== true && change.position !== undefined) {
      const { id, position } = change
      edits.push(() => {
        const block = workspace.blocks.get(id)
        if (block !== undefined) setPosition(block, position, author)
      })
    } else if (change.type === 'dimensions' && change.resizing === false && change.dimensions !== undefined) {
      const { id, dimensions } = change
      edits.push(() => {
        const block = workspace.blocks.get(id)
        if (block !== undefined) setSize(block, dimensions, author)
      })
    }
  }
  if (gone.length > 0) edits.push(() => removeBlocks(workspace, gone))
  if (edits.length === 0) return
  inOneStep(workspace, () => {
    for (const edit of edits) edit()
  })
}

/** Deletes blocks and the edges at them, as one undo step. Ids without a block are skipped. Returns the number of deleted blocks. */
export function deleteBlocks(workspace: Workspace, ids: readonly string[]): number {
  let count = 0
  inOneStep(workspace, () => {
    count = removeBlocks(workspace, ids)
  })
  return count
}

function removeBlocks(workspace: Workspace, ids: readonly string[]): number {
  const gone = new Set(ids)
  for (const { id, source, target } of listEdges(workspace.doc)) {
    if (gone.has(source) || gone.has(target)) removeEdge(workspace.doc, id)
  }
  return ids.filter((id) => workspace.blocks.delete(id)).length
}
