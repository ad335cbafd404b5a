import { ID_LENGTH_MAX, type Json, type ListedEdge, randomBlockId } from '@joinery/blocks'
import type { Connection, Edge } from '@xyflow/react'

/** An edge of React Flow that shows an edge of the workspace. */
export type FlowEdge = Edge<FlowEdgeData>
export interface FlowEdgeData extends Record<string, unknown> {
  /** The edge as it stands in the workspace, with what an application keeps in it. */
  readonly edge: ListedEdge
}

interface Shown {
  readonly selected: boolean
  readonly flow: FlowEdge
}

/**
 * Makes edges of React Flow. Takes over source, target, handles and label alone: the rest is in `data.edge`, because any client may
 * have written it. An edge stays the same object while nothing in it changes.
 */
export class EdgeCache {
  #edges = new Map<ListedEdge, Shown>()

  /** Leaves out edges at blocks that are not there: one who deletes a block does not see an edge that is drawn to it meanwhile. */
  edgesOf(edges: readonly ListedEdge[], blocks: ReadonlySet<string>, selected: ReadonlySet<string>): FlowEdge[] {
    const next = new Map<ListedEdge, Shown>()
    const shown: FlowEdge[] = []
    for (const edge of edges) {
      if (!blocks.has(edge.source) || !blocks.has(edge.target)) continue
      const isSelected = selected.has(edge.id)
      const known = this.#edges.get(edge)
      const entry = known?.selected === isSelected ? known : { selected: isSelected, flow: flowOf(edge, isSelected) }
      next.set(edge, entry)
      shown.push(entry.flow)
    }
    this.#edges = next
    return shown
  }
}

function flowOf(edge: ListedEdge, isSelected: boolean): FlowEdge {
  const { id, source, target } = edge
  const [sourceHandle, targetHandle] = [textOf(edge.sourceHandle), textOf(edge.targetHandle)]
  const label = textOf(edge.label)
  return {
    id,
    source,
    target,
    data: { edge },
    ...(sourceHandle !== undefined && { sourceHandle }),
    ...(targetHandle !== undefined && { targetHandle }),
    ...(label !== undefined && { label }),
    ...(isSelected && { selected: true }),
  }
}

const textOf = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined)

/**
 * Id of the edge for a connection: the same for everybody, so that two people who draw it at once draw one. Only ids that would be
 * too long are random.
 */
export function edgeIdOf({ source, target, sourceHandle, targetHandle }: Connection): string {
  const end = (block: string, handle: string | null | undefined): string =>
    handle == null ? block : `${block}.${encodeURIComponent(handle)}`
  const id = `${end(source, sourceHandle)}~${end(target, targetHandle)}`
  return id.length <= ID_LENGTH_MAX ? id : randomBlockId()
}
