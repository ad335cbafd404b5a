import { placeLast, type Workspace } from '@joinery/client'
import { useUndo, useWorkspace } from '@joinery/react'
import type { MouseEvent, ReactNode } from 'react'
import { flushSync } from 'react-dom'
import { freshBlockId } from './block-id.ts'
import { freshTitle, titleOf } from './block-title.ts'
import { openBlock } from './panels/open-block.ts'

const KINDS = [
  { type: 'text', button: 'Add text block', title: 'Text' },
  { type: 'vector_collection', button: 'Add vector collection', title: 'Collection' },
] as const
type Kind = (typeof KINDS)[number]

/** What one can do to the whole board. */
export function Tools({ actor, children }: { actor: string; children: ReactNode }): ReactNode {
  const workspace = useWorkspace()
  const { canUndo, canRedo, undo, redo } = useUndo()
  const add = ({ detail }: MouseEvent, kind: Kind): void => {
    // On the page at once, so that there is something to bring into view.
    const id = flushSync(() => addBlock(workspace, kind, actor))
    // Who points means to write; who presses a key may want to press it again, and is left where they are.
    openBlock(id, { keepsFocus: detail === 0 })
  }
  return (
    <nav className="tools" aria-label="Blocks">
      {KINDS.map((kind) => (
        <button type="button" key={kind.type} className="primary" onClick={(event) => add(event, kind)}>
          {kind.button}
        </button>
      ))}
      <button type="button" disabled={!canUndo} onClick={undo}>
        Undo
      </button>
      <button type="button" disabled={!canRedo} onClick={redo}>
        Redo
      </button>
      {children}
    </nav>
  )
}

/** Makes one behind all others, with a title that no other has; undone as one step. Returns its id. */
function addBlock(workspace: Workspace, { type, title }: Kind, actor: string): string {
  const titles = new Set(workspace.blocks.list().map(({ fields, id }) => titleOf(fields.get('title'), id)))
  const author = { source: 'user_action', actor } as const
  const id = freshBlockId(Date.now())
  workspace.undo.split()
  workspace.transact(() => {
    workspace.blocks.create(id, { type }).fields.set('title', freshTitle(title, titles), author)
    placeLast(workspace, id, author)
  })
  workspace.undo.split()
  return id
}
