import type { NodeChange } from '@xyflow/react'
import type { FlowNode, NodeView } from './flow-nodes.ts'

/** The state of nodes on this screen after React Flow's changes. The same map if nothing has changed. */
export function changedViews(
  before: ReadonlyMap<string, NodeView>,
  changes: readonly NodeChange<FlowNode>[],
): ReadonlyMap<string, NodeView> {
  const next = new Map(before)
  let isChanged = false
  for (const change of changes) {
    if (change.type === 'add' || change.type === 'replace') continue
    const view = next.get(change.id)
    const changed = change.type === 'remove' ? undefined : changedView(view, change)
    if (changed === view) continue
    isChanged = true
    if (changed === undefined) next.delete(change.id)
    else next.set(change.id, changed)
  }
  return isChanged ? next : before
}

type ViewChange = Extract<NodeChange<FlowNode>, { type: 'select' | 'position' | 'dimensions' }>

function changedView(view: NodeView | undefined, change: ViewChange): NodeView | undefined {
  if (change.type === 'select') {
    if (change.selected === (view?.selected ?? false)) return view
    const { selected: _selected, ...rest } = view ?? {}
    return change.selected ? { ...rest, selected: true } : rest
  }
  if (change.type === 'position') {
    const { position: _position, dragging: _dragging, ...rest } = view ?? {}
    // At the drop the document holds the position.
    if (change.dragging !== true || change.position === undefined) {
      return view?.position === undefined && view?.dragging === undefined ? view : rest
    }
    return { ...rest, position: change.position, dragging: true }
  }
  const { dimensions } = change
  if (dimensions === undefined) return view
  const { size: _size, resizing: _resizing, ...rest } = view ?? {}
  if (change.resizing === true) return { ...rest, size: dimensions, resizing: true }
  return { ...rest, measured: dimensions }
}
