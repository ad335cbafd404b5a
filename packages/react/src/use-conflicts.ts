import { type ConflictEntry, conflictLogOf } from '@joinery/client'
import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

export interface ConflictsView {
  /** Newest first, at most 100. */
  readonly conflicts: readonly ConflictEntry[]
  /** Removes one entry: a person has read it. */
  readonly dismiss: (id: string) => void
  readonly clear: () => void
}

/**
 * The conflicts reported while a component with this hook was mounted: which write lost to which, and by which rule. Show the one
 * with `reportedBy` as this actor's word: the server has not checked it.
 */
export function useConflicts(): ConflictsView {
  const log = conflictLogOf(useWorkspace())
  const conflicts = useObservable(log)
  return useMemo(() => ({ conflicts, dismiss: log.dismiss, clear: log.clear }), [conflicts, log])
}
