import { edgesMap, type ListedEdge, listEdges } from '@joinery/blocks'
import type { Observable, Workspace } from '@joinery/client'
import { followDoc } from './follow-doc.ts'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/** All edges, sorted by id. An edge that did not change stays the same object. */
export function useEdges(): readonly ListedEdge[] {
  return useObservable(edgesOf(useWorkspace()))
}

const stores = new WeakMap<Workspace, Observable<readonly ListedEdge[]>>()

function edgesOf(workspace: Workspace): Observable<readonly ListedEdge[]> {
  const known = stores.get(workspace)
  if (known !== undefined) return known
  let last: readonly ListedEdge[] = []
  const store: Observable<readonly ListedEdge[]> = {
    get: () => {
      last = keepKnown(listEdges(workspace.doc), last)
      return last
    },
    subscribe: (listener) =>
      followDoc(
        workspace,
        (doc) => {
          const edges = edgesMap(doc)
          const onChange = (): void => listener()
          edges.observeDeep(onChange)
          return () => edges.unobserveDeep(onChange)
        },
        listener,
      ),
  }
  stores.set(workspace, store)
  return store
}

function keepKnown(next: readonly ListedEdge[], last: readonly ListedEdge[]): readonly ListedEdge[] {
  const known = new Map(last.map((edge) => [JSON.stringify(edge), edge]))
  const edges = next.map((edge) => known.get(JSON.stringify(edge)) ?? edge)
  return edges.length === last.length && edges.every((edge, index) => edge === last[index]) ? last : edges
}
