import { getEdge, type Json, type ListedEdge } from '@joinery/blocks'
import type { Stamp, Stamps } from '@joinery/server'
import type * as Y from 'yjs'

/** An edge as the API answers it. `data` holds everything but the two ends. */
export interface EdgeView {
  readonly id: string
  readonly source: string
  readonly target: string
  readonly data: Readonly<Record<string, Json>>
  /** LSN of the last record that wrote the edge; 0 when the log no longer tells. */
  readonly version: number
  readonly updatedBy: { readonly source: string; readonly actor: string; readonly at: number } | null
}

export function viewEdge({ id, source, target, ...data }: ListedEdge, stamp: Stamp | undefined): EdgeView {
  const updatedBy = stamp === undefined ? null : { source: stamp.source, actor: stamp.actor, at: stamp.at }
  return { id, source, target, data, version: stamp?.lsn ?? 0, updatedBy }
}

export function readEdge(doc: Y.Doc, stamps: Stamps, id: string): EdgeView | undefined {
  const edge = getEdge(doc, id)
  return edge && viewEdge(edge, stamps.of(edgePath(id)))
}

/** The path under which records and stamps name an edge. */
export function edgePath(id: string): string {
  return `edges/${id}`
}
