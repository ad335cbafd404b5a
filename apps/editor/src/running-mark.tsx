import { useIndexingList } from '@joinery/react'
import type { ReactNode } from 'react'

/** A moving line on a block while a job works on it. The chips below say which job, and how far it is. */
export function RunningMark({ id }: { id: string }): ReactNode {
  const isRunning = useIndexingList(id).some(({ status }) => status === 'processing')
  return isRunning ? <div className="running" aria-hidden="true" /> : null
}
