import type { SaveStatus } from '@joinery/client'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/** What to tell a person about their edits. */
export function useSaveStatus(): SaveStatus {
  return useObservable(useWorkspace().saveStatus)
}
