import { useWorkspace } from '@joinery/react'
import { useEffect } from 'react'
import { hasOwnUndo } from '../is-text-field.ts'
import { mayWrite } from '../keys/use-can-write.ts'
import { takeBack, type Way } from './take-back.ts'

/**
 * Undo and redo by key (Ctrl or Command with Z, Shift+Z or Y) wherever the focus is, except in fields that are not the workspace's:
 * those keep their own.
 */
export function useUndoKeys(): void {
  const workspace = useWorkspace()
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const way = wayOf(event)
      if (way === undefined || hasOwnUndo(event.target)) return
      event.preventDefault()
      if (mayWrite(workspace)) takeBack(workspace, way)
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [workspace])
}

function wayOf({ key, ctrlKey, metaKey, shiftKey, altKey, isComposing }: KeyboardEvent): Way | undefined {
  if (!(ctrlKey || metaKey) || altKey || isComposing) return undefined
  const letter = key.toLowerCase()
  if (letter === 'z') return shiftKey ? 'redo' : 'undo'
  return letter === 'y' && !shiftKey ? 'redo' : undefined
}
