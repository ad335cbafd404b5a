import type { ListedEdge } from '@joinery/blocks'
import { edgesBySource, edgesOf } from '@joinery/client'
import { useSyncExternalStore } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/** All edges, sorted by id. An edge that did not change stays the same object. */
export function useEdges(): readonly ListedEdge[] {
  return useObservable(edgesOf(useWorkspace()))
}

/** The edges that leave one block, sorted by id. Renders again when one of them changes, and for no other block's. */
export function useEdgesFrom(id: string): readonly ListedEdge[] {
  const { subscribe, get } = edgesBySource(useWorkspace())
  const own = (): readonly ListedEdge[] => get().get(id) ?? NONE
  return useSyncExternalStore(subscribe, own, own)
}

const NONE: readonly ListedEdge[] = Object.freeze([])
