import { useWorkspace } from '@joinery/react'
import { useCallback, useSyncExternalStore } from 'react'
import { allThreadsOf, waitingFor } from './all-threads.ts'

/** Number of the open threads that wait for an answer of this person. `names` are those under which others know them. */
export function useWaitingComments(names: readonly string[]): number {
  const threads = allThreadsOf(useWorkspace())
  const subscribe = useCallback((listener: () => void) => threads.subscribe(listener), [threads])
  return useSyncExternalStore(subscribe, () => waitingFor(threads.get(), names))
}
