import { useCallback, useEffect, useState } from 'react'
import { type DemonstrationStatus, readStatus, startScenario, stopScenario } from './demonstration-client.ts'

/** How often the running demonstration is looked at, ms: a person should see its steps one by one. */
const LOOK_MS = 400
/** And while none runs, since another page may start one, ms. */
const IDLE_LOOK_MS = 3_000

export interface DemonstrationControl {
  /** Undefined until the server has said. */
  readonly status: DemonstrationStatus | undefined
  /** What went wrong with the last thing that was asked, for a person; empty if nothing. */
  readonly problem: string
  readonly start: (scenario: string, block?: string) => void
  readonly stop: () => void
}

/** The workspace's demonstration, followed while a component that uses this is on the page. */
export function useDemonstration(name: string): DemonstrationControl {
  const [status, setStatus] = useState<DemonstrationStatus>()
  const [problem, setProblem] = useState('')
  const take = useCallback((answer: Promise<DemonstrationStatus>): void => {
    answer.then(
      (next) => {
        setStatus(next)
        setProblem('')
      },
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    )
  }, [])
  const isRunning = status?.demonstration?.state === 'running'
  useEffect(() => {
    const look = (): void => {
      readStatus(name).then(
        (next) => setStatus((before) => (JSON.stringify(before) === JSON.stringify(next) ? before : next)),
        (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
      )
    }
    look()
    const timer = window.setInterval(look, isRunning ? LOOK_MS : IDLE_LOOK_MS)
    return () => window.clearInterval(timer)
  }, [name, isRunning])
  return {
    status,
    problem,
    start: useCallback((scenario, block) => take(startScenario(name, scenario, block)), [name, take]),
    stop: useCallback(() => take(stopScenario(name)), [name, take]),
  }
}
