import { edgesMap, getEdge, isSameJson, removeEdge, setEdge } from '@joinery/blocks'
import type { WorkspaceView } from '@joinery/server'
import type * as Y from 'yjs'
import { ApiError } from '../api-error.ts'
import { readEdge } from '../edge-view.ts'
import type { EdgeOperation } from './operation-kinds.ts'
import { assertPrecondition, type Precondition } from './precondition.ts'

/** Throws `edge_exists` or `version_conflict` unless the edge is as the caller expects it. */
export function checkEdgePrecondition({ doc, stamps }: WorkspaceView, id: string, precondition: Precondition): void {
  const { expectedVersion, onlyIfAbsent, match } = precondition
  if (expectedVersion === undefined && onlyIfAbsent === undefined && match === undefined) return
  const edge = readEdge(doc, stamps, id)
  const standing = edge && { version: edge.version, at: edge.updatedBy?.at }
  assertPrecondition('edge', id, standing, precondition, () => edge)
}

/** Makes the edit, after it is known that an edge to delete is there. An edge that is as it should be is not written. */
export function runEdgeOperation(doc: Y.Doc, operation: EdgeOperation): void {
  const { edge: id } = operation
  if (operation.op === 'deleteEdge') {
    removeEdge(doc, id)
    return
  }
  const { source, target, data = {} } = operation
  const edge = { ...data, source, target }
  if (!isSameJson(getEdge(doc, id), { id, ...edge })) setEdge(doc, id, edge)
}

/** Which edges there will be, as the operations of one transaction are checked one after the other. */
export class EdgeTrial {
  readonly #doc: Y.Doc
  readonly #after = new Map<string, boolean>()

  constructor(doc: Y.Doc) {
    this.#doc = doc
  }

  /** Throws `unknown_edge` for an edge to delete that is not there. */
  check({ op, edge: id }: EdgeOperation): void {
    const isThere = this.#after.get(id) ?? edgesMap(this.#doc).has(id)
    if (op === 'deleteEdge' && !isThere) throw unknownEdge(id)
    this.#after.set(id, op === 'putEdge')
  }
}

export function unknownEdge(id: string): ApiError {
  return new ApiError('unknown_edge', `there is no edge "${id}"`)
}
