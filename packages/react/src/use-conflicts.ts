import { type ConflictEntry, conflictLogOf } from '@joinery/client'
import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

export interface ConflictsView {
  /** Newest first, at most 100. */
  readonly conflicts: readonly ConflictEntry[]
  /** Takes one out: it was read. */
  readonly dismiss: (id: string) => void
  readonly clear: () => void
}

/** What lost to what, by which rule, as far as it was told while a component that uses this was on the page. */
export function useConflicts(): ConflictsView {
  const log = conflictLogOf(useWorkspace())
  const conflicts = useObservable(log)
  return useMemo(() => ({ conflicts, dismiss: log.dismiss, clear: log.clear }), [conflicts, log])
}
