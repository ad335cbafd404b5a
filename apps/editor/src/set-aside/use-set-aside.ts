import type { SetAsideCopy } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { useCallback, useEffect, useState } from 'react'

/** The edits that were set aside in this workspace. */
export interface SetAside {
  /** The newest first. */
  readonly copies: readonly SetAsideCopy[]
  /** Deletes a copy for good. */
  readonly discard: (id: string) => Promise<void>
}

/** The edits that were set aside here, now and at earlier visits. */
export function useSetAside(): SetAside {
  const workspace = useWorkspace()
  const [copies, setCopies] = useState<readonly SetAsideCopy[]>([])
  const look = useCallback(
    async (signal?: AbortSignal): Promise<void> => {
      // A replaced document's copy is set aside before the next copy is loaded.
      await workspace.whenLoaded
      const found = await workspace.listSetAside()
      if (!signal?.aborted) setCopies(found.reverse())
    },
    [workspace],
  )
  useEffect(() => {
    const controller = new AbortController()
    // The SDK tells of a local copy that fails, and the save status shows it.
    const lookAgain = (): void => void look(controller.signal).catch(() => undefined)
    const stop = workspace.onReset(lookAgain)
    lookAgain()
    return () => {
      stop()
      controller.abort()
    }
  }, [look, workspace])
  const discard = useCallback(
    async (id: string): Promise<void> => {
      await workspace.discardSetAside(id)
      await look()
    },
    [look, workspace],
  )
  return { copies, discard }
}
