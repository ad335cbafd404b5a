import { type Answer, answerTo, type Difference, historyOf } from '@joinery/client'
import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/** The differences between the states at LSN `from` and LSN `to`, block by block. */
export function useDifference(from: number, to: number): Answer<Difference> {
  const history = historyOf(useWorkspace())
  const answer = useMemo(() => answerTo((signal) => history.difference(from, to, { signal })), [history, from, to])
  return useObservable(answer)
}
