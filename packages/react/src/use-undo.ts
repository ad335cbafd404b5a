import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

export interface UndoView {
  readonly canUndo: boolean
  readonly canRedo: boolean
  /** Takes back one's own last step. Returns whether there was one. */
  readonly undo: () => boolean
  readonly redo: () => boolean
}

/** Undo and redo of what was edited here; never of a status, never of somebody else's edit. */
export function useUndo(): UndoView {
  const { undo } = useWorkspace()
  const { canUndo, canRedo } = useObservable(undo.state)
  return useMemo(
    () => ({ canUndo, canRedo, undo: () => undo.undo(), redo: () => undo.redo() }),
    [canUndo, canRedo, undo],
  )
}
