import type { SaveStatus } from '@joinery/client'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/** What a person may be told about their edits. */
export function useSaveStatus(): SaveStatus {
  return useObservable(useWorkspace().saveStatus)
}
