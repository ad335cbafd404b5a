import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

export interface UndoView {
  readonly canUndo: boolean
  readonly canRedo: boolean
  /** Takes back this person's last step. Returns false when there is none. */
  readonly undo: () => boolean
  readonly redo: () => boolean
}

/** Undo and redo of this person's edits; never of a status, never of others' edits. */
export function useUndo(): UndoView {
  const { undo } = useWorkspace()
  const { canUndo, canRedo } = useObservable(undo.state)
  return useMemo(
    () => ({ canUndo, canRedo, undo: () => undo.undo(), redo: () => undo.redo() }),
    [canUndo, canRedo, undo],
  )
}
