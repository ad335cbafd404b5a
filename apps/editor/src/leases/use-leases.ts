import type { LeaseStatus } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { useEffect, useState } from 'react'

/** Time between two looks while somebody reads them, ms: leases change outside of the document. */
const LOOK_MS = 2_000

export interface SeenLeases {
  /** Undefined until the server has answered. */
  readonly list: readonly LeaseStatus[] | undefined
  /** Why the server did not answer the last time; empty when it did. */
  readonly problem: string
}

/** The leases that stand, looked at again and again while the component shows. */
export function useLeases(): SeenLeases {
  const workspace = useWorkspace()
  const [seen, setSeen] = useState<SeenLeases>({ list: undefined, problem: '' })
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    let timer: number | undefined
    const look = async (): Promise<void> => {
      try {
        const list = await workspace.leases.list({ signal })
        setSeen({ list, problem: '' })
      } catch (error) {
        if (signal.aborted) return
        const problem = error instanceof Error ? error.message : String(error)
        setSeen(({ list }) => ({ list, problem }))
      }
      if (!signal.aborted) timer = window.setTimeout(look, LOOK_MS)
    }
    void look()
    return () => {
      controller.abort()
      window.clearTimeout(timer)
    }
  }, [workspace])
  return seen
}
