import type { Conflict } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { titleOf } from '../block-title.ts'
import { conflictWords, type ShownConflict } from './conflict-words.ts'

export interface AllConflicts {
  /** Newest first. */
  readonly list: readonly ShownConflict[]
  readonly dismiss: (id: string) => void
  readonly clear: () => void
}

interface Noted {
  readonly id: string
  readonly atMs: number
  readonly conflict: Conflict
}

/** More than anybody reads. */
const CONFLICTS_MAX = 100

/** Every conflict that was told since the page was opened: of statuses and fields by the server, of texts by who wrote. */
export function useAllConflicts(): AllConflicts {
  const workspace = useWorkspace()
  const [noted, setNoted] = useState<readonly Noted[]>([])
  useEffect(
    () =>
      workspace.onConflict((conflict) => {
        const entry = { id: crypto.randomUUID(), atMs: Date.now(), conflict }
        setNoted((before) => [entry, ...before].slice(0, CONFLICTS_MAX))
      }),
    [workspace],
  )
  const list = useMemo(
    () =>
      noted.map(({ id, atMs, conflict }) => {
        const title = titleOf(workspace.blocks.get(conflict.block)?.fields.get('title'), conflict.block)
        return { id, atMs, blockId: conflict.block, ...conflictWords(conflict, title) }
      }),
    [noted, workspace],
  )
  const dismiss = useCallback((id: string) => setNoted((before) => before.filter((entry) => entry.id !== id)), [])
  const clear = useCallback(() => setNoted([]), [])
  return useMemo(() => ({ list, dismiss, clear }), [list, dismiss, clear])
}
