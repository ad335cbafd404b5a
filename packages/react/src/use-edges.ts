import type { ListedEdge } from '@joinery/blocks'
import { edgesOf } from '@joinery/client'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/** All edges, sorted by id. An edge that did not change stays the same object. */
export function useEdges(): readonly ListedEdge[] {
  return useObservable(edgesOf(useWorkspace()))
}
