import type { Workspace } from '@joinery/client'
import { titleOf } from '../block-title.ts'
import { offerReverse } from './undo-offer.ts'

export type Way = 'undo' | 'redo'

const WORDS = { undo: 'Undo', redo: 'Redo' } as const

/**
 * Undoes or redoes one step of this person. A step that takes a block away says so, with a button that reverses it: a key too many
 * removes no block unseen.
 */
export function takeBack(workspace: Workspace, way: Way): void {
  const before = titlesOf(workspace)
  if (!workspace.undo[way]()) return
  const gone = [...before].filter(([id]) => workspace.blocks.get(id) === undefined)
  const [first] = gone
  if (first === undefined) return
  const what = gone.length === 1 ? `“${first[1]}”` : `${gone.length} blocks`
  offerReverse(workspace, `${WORDS[way]} took away ${what}.`, way === 'undo' ? 'redo' : 'undo')
}

const titlesOf = (workspace: Workspace): Map<string, string> =>
  new Map(workspace.blocks.list().map(({ id, fields }) => [id, titleOf(fields.get('title'), id)]))
