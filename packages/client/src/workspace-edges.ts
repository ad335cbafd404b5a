import { edgesMap, type ListedEdge, listEdges } from '@joinery/blocks'
import { documentStore } from './document-store.ts'
import type { Observable } from './observable-value.ts'
import { isSameList } from './same-list.ts'
import type { Workspace } from './workspace.ts'

const stores = new WeakMap<Workspace, Observable<readonly ListedEdge[]>>()

/** All edges, sorted by id. An edge that did not change stays the same object. */
export function edgesOf(workspace: Workspace): Observable<readonly ListedEdge[]> {
  let store = stores.get(workspace)
  if (store === undefined) {
    store = documentStore<readonly ListedEdge[]>(
      workspace,
      [],
      (doc, onChange) => {
        const edges = edgesMap(doc)
        edges.observeDeep(onChange)
        return () => edges.unobserveDeep(onChange)
      },
      (doc, last) => keepKnown(listEdges(doc), last),
    )
    stores.set(workspace, store)
  }
  return store
}

const indexes = new WeakMap<Workspace, Observable<ReadonlyMap<string, readonly ListedEdge[]>>>()

/**
 * The edges that leave each block, by the block's id; a block without any is not in it. They are sorted out once for all listeners,
 * and a list stays the same object while nothing in it changes.
 */
export function edgesBySource(workspace: Workspace): Observable<ReadonlyMap<string, readonly ListedEdge[]>> {
  let index = indexes.get(workspace)
  if (index === undefined) {
    const edges = edgesOf(workspace)
    let of: readonly ListedEdge[] = []
    let last: ReadonlyMap<string, readonly ListedEdge[]> = new Map()
    index = {
      subscribe: edges.subscribe,
      get: () => {
        const all = edges.get()
        if (all !== of) last = bySource(all, last)
        of = all
        return last
      },
    }
    indexes.set(workspace, index)
  }
  return index
}

function bySource(
  edges: readonly ListedEdge[],
  last: ReadonlyMap<string, readonly ListedEdge[]>,
): ReadonlyMap<string, readonly ListedEdge[]> {
  const lists = new Map<string, ListedEdge[]>()
  for (const edge of edges) {
    const list = lists.get(edge.source)
    if (list === undefined) lists.set(edge.source, [edge])
    else list.push(edge)
  }
  const kept = [...lists].map(([source, list]): [string, readonly ListedEdge[]] => {
    const known = last.get(source)
    return [source, known !== undefined && isSameList(known, list) ? known : list]
  })
  return new Map(kept)
}

function keepKnown(next: readonly ListedEdge[], last: readonly ListedEdge[]): readonly ListedEdge[] {
  const known = new Map(last.map((edge) => [JSON.stringify(edge), edge]))
  const edges = next.map((edge) => known.get(JSON.stringify(edge)) ?? edge)
  return isSameList(edges, last) ? last : edges
}
