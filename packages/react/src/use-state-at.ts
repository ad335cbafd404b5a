import { type Answer, answerTo, historyOf, type PastPage } from '@joinery/client'
import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/**
 * The blocks as they were at `lsn`: the first 100 by id, or the first 100 after `after`. Pass the LSN of a slider through
 * `useDeferredValue`. A request whose answer is no longer needed is aborted.
 */
export function useStateAt(lsn: number, after?: string): Answer<PastPage> {
  const history = historyOf(useWorkspace())
  const answer = useMemo(
    () => answerTo((signal) => history.stateAt(lsn, { signal, ...(after !== undefined && { after }) })),
    [history, lsn, after],
  )
  return useObservable(answer)
}
