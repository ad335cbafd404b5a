import type * as Y from 'yjs'
import { assertId, isBlockId } from './block-id.ts'
import { isBoundedJson } from './claim-bounds.ts'
import { isExactJson, isForbiddenKey, isJson, isPlainObject, type Json, toPlain } from './json.ts'
import { keysAfter } from './keys-after.ts'
import { setPlain } from './set-plain.ts'
import { toWellFormedJson } from './well-formed.ts'
import { assertName, badArgument } from './write-arguments.ts'

/** A connection between two blocks: plain JSON, written as a whole. Of concurrent writes one stays. */
export interface Edge {
  readonly source: string
  readonly target: string
  readonly [key: string]: Json
}
export interface ListedEdge extends Edge {
  readonly id: string
}

/** The map of all edges: `doc.getMap('edges')`. */
export function edgesMap(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap('edges')
}

/** Writes an edge. Its blocks need not exist. Throws `bad_edge_id`, and `bad_argument` with the name of the wrong argument. */
export function setEdge(doc: Y.Doc, id: string, edge: Edge): void {
  assertId(id, 'edge')
  assertName(edge.source, 'source')
  assertName(edge.target, 'target')
  if (!isBoundedJson(edge) || !isExactJson(edge))
    throw badArgument('edge', 'a bounded JSON object whose integers are within 2^53', edge)
  // The id stands in the key. A copy in the value could come to differ from it.
  const { id: _id, ...value } = edge
  setPlain(edgesMap(doc), id, toWellFormedJson(value))
}

/** Removes an edge. Returns true if there was one. */
export function removeEdge(doc: Y.Doc, id: string): boolean {
  if (!isBlockId(id)) assertId(id, 'edge')
  const edges = edgesMap(doc)
  if (!edges.has(id)) return false
  edges.delete(id)
  return true
}

/** All edges, sorted by id, as plain data. Values without a source and a target, and values that are no JSON, are left out. Never writes. */
export function listEdges(doc: Y.Doc): ListedEdge[] {
  const edges: ListedEdge[] = []
  for (const [id, raw] of edgesMap(doc).entries()) {
    const edge = readEdge(id, raw)
    if (edge !== undefined) edges.push(edge)
  }
  return edges.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** The edge of this id, as {@link listEdges} has it; undefined when there is none. Never writes. */
export function getEdge(doc: Y.Doc, id: string): ListedEdge | undefined {
  const edges = edgesMap(doc)
  return edges.has(id) ? readEdge(id, edges.get(id)) : undefined
}

/** The first edges behind an id, as {@link listEdges} sorts them: a page of them costs no sorting of all. Never writes. */
export function edgesAfter(doc: Y.Doc, page: { readonly after: string; readonly count: number }): ListedEdge[] {
  const edges = edgesMap(doc)
  const isEdge = (id: string): boolean => readEdge(id, edges.get(id)) !== undefined
  return keysAfter(edges.keys(), page, isEdge).map((id) => readEdge(id, edges.get(id)) as ListedEdge)
}

function readEdge(id: string, raw: unknown): ListedEdge | undefined {
  const value = toPlain(raw)
  if (isForbiddenKey(id) || !isPlainObject(value) || !isJson(value)) return undefined
  const { source, target } = value
  return isBlockId(source) && isBlockId(target) ? { ...value, id, source, target } : undefined
}
