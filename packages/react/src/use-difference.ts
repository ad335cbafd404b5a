import { type Answer, answerTo, type Difference, historyOf } from '@joinery/client'
import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/** What turned the state at LSN `from` into that at LSN `to`, block by block. */
export function useDifference(from: number, to: number): Answer<Difference> {
  const history = historyOf(useWorkspace())
  const answer = useMemo(() => answerTo((signal) => history.difference(from, to, { signal })), [history, from, to])
  return useObservable(answer)
}
