import type { Workspace } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { useEffect } from 'react'
import { titleOf } from '../block-title.ts'
import { HOLDS_TEXT, isTextField } from '../is-text-field.ts'
import { mayWrite } from '../keys/use-can-write.ts'
import { offerRedo } from './undo-offer.ts'

/**
 * Undo and redo by key (Ctrl or Command with Z, Shift+Z or Y) wherever the focus is, except in fields that are not the workspace's:
 * those keep their own. An undo that takes a block away says so, with a button that reverses it: a key too many removes no block
 * unseen.
 */
export function useUndoKeys(): void {
  const workspace = useWorkspace()
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const way = wayOf(event)
      if (way === undefined || isForeignField(event.target)) return
      event.preventDefault()
      if (!mayWrite(workspace)) return
      const before = titlesOf(workspace)
      const isDone = way === 'undo' ? workspace.undo.undo() : workspace.undo.redo()
      if (isDone && way === 'undo') tellOfBlocks(workspace, before)
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [workspace])
}

function wayOf({ key, ctrlKey, metaKey, shiftKey, altKey, isComposing }: KeyboardEvent): 'undo' | 'redo' | undefined {
  if (!(ctrlKey || metaKey) || altKey || isComposing) return undefined
  const letter = key.toLowerCase()
  if (letter === 'z') return shiftKey ? 'redo' : 'undo'
  return letter === 'y' && !shiftKey ? 'redo' : undefined
}

/** A block's text belongs to the workspace; a title under way, a search and a name do not. */
function isForeignField(target: EventTarget | null): boolean {
  return isTextField(target) && target instanceof HTMLElement && !target.matches(`textarea, [${HOLDS_TEXT}]`)
}

const titlesOf = (workspace: Workspace): Map<string, string> =>
  new Map(workspace.blocks.list().map(({ id, fields }) => [id, titleOf(fields.get('title'), id)]))

function tellOfBlocks(workspace: Workspace, before: ReadonlyMap<string, string>): void {
  const gone = [...before].filter(([id]) => workspace.blocks.get(id) === undefined)
  const [first] = gone
  if (first === undefined) return
  offerRedo(workspace, gone.length === 1 ? `Undo took away “${first[1]}”.` : `Undo took away ${gone.length} blocks.`)
}
