import { useMemo } from 'react'
import { type ConflictEntry, conflictLogOf } from './conflict-log.ts'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

export interface ConflictsView {
  /** Newest first, at most 100. */
  readonly conflicts: readonly ConflictEntry[]
  /** Takes one out: it was read. */
  readonly dismiss: (id: string) => void
  readonly clear: () => void
}

/** What lost to what, by which rule, since a component that uses this was first on the page. */
export function useConflicts(): ConflictsView {
  const log = conflictLogOf(useWorkspace())
  const conflicts = useObservable(log)
  return useMemo(() => ({ conflicts, dismiss: log.dismiss, clear: log.clear }), [conflicts, log])
}
