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

function keepKnown(next: readonly ListedEdge[], last: readonly ListedEdge[]): readonly ListedEdge[] {
  const known = new Map(last.map((edge) => [JSON.stringify(edge), edge]))
  const edges = next.map((edge) => known.get(JSON.stringify(edge)) ?? edge)
  return isSameList(edges, last) ? last : edges
}
