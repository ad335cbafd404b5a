import type { Conflict } from '@joinery/client'
import { useConflicts, useWorkspace } from '@joinery/react'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { titleOf } from '../block-title.ts'
import { claimConflict, contentConflict, type ShownConflict } from './conflict-words.ts'

export interface AllConflicts {
  /** Newest first. */
  readonly list: readonly ShownConflict[]
  readonly dismiss: (id: string) => void
  readonly clear: () => void
}

/** More than anybody reads; the same as the log of claims keeps. */
const CONTENT_CONFLICTS_MAX = 100

/** Every conflict noticed since the page was opened: of statuses and fields by the law, of texts by what jobs tell. */
export function useAllConflicts(): AllConflicts {
  const workspace = useWorkspace()
  const claims = useConflicts()
  const [texts, setTexts] = useState<readonly { id: string; atMs: number; conflict: Conflict }[]>([])
  useEffect(
    () =>
      workspace.onConflict((conflict) => {
        // The others are told of here, too, but in fewer words than the document itself has.
        if (conflict.field !== 'content') return
        const entry = { id: crypto.randomUUID(), atMs: Date.now(), conflict }
        setTexts((before) => [entry, ...before].slice(0, CONTENT_CONFLICTS_MAX))
      }),
    [workspace],
  )
  const list = useMemo(() => {
    const title = (id: string): string => titleOf(workspace.blocks.get(id)?.fields.get('title'), id)
    const shown = [
      ...claims.conflicts.map((entry) => claimConflict(entry, title(entry.blockId))),
      ...texts.map((entry) => contentConflict(entry, title(entry.conflict.block))),
    ]
    return shown.sort((a, b) => b.atMs - a.atMs)
  }, [claims.conflicts, texts, workspace])
  const dismiss = useCallback(
    (id: string) => {
      claims.dismiss(id)
      setTexts((before) => before.filter((entry) => entry.id !== id))
    },
    [claims.dismiss],
  )
  const clear = useCallback(() => {
    claims.clear()
    setTexts([])
  }, [claims.clear])
  return useMemo(() => ({ list, dismiss, clear }), [list, dismiss, clear])
}
