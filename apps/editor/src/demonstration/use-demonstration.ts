import { useCallback, useEffect, useState } from 'react'
import { type DemonstrationStatus, readStatus, startScenario, stopScenario } from './demonstration-client.ts'

/** Time between two looks at a running demonstration, ms: a person should see its steps one by one. */
const LOOK_MS = 400
/** Time between two looks while none runs, ms: another page may start one. */
const IDLE_LOOK_MS = 3_000

export interface DemonstrationControl {
  /** Undefined until the server has answered. */
  readonly status: DemonstrationStatus | undefined
  /** Error of the last request, for a person; empty if there is none. */
  readonly problem: string
  readonly start: (scenario: string, block?: string) => void
  readonly stop: () => void
}

/** State and controls of the workspace's demonstration. Asks the server while the component is on the page. */
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
