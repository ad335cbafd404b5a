import { placeLast, type Workspace } from '@joinery/client'
import { useUndo, useWorkspace } from '@joinery/react'
import { setPosition } from '@joinery/react-flow'
import type { MouseEvent, ReactNode } from 'react'
import { flushSync } from 'react-dom'
import { freshTitle, titleOf } from './block-title.ts'
import type { BoardView } from './board-view.ts'
import { freePlace, openBlock } from './panels/open-block.ts'

const KINDS = [
  { type: 'text', button: 'Add text block', title: 'Text' },
  { type: 'vector_collection', button: 'Add vector collection', title: 'Collection' },
] as const
const VIEWS = [
  { name: 'canvas', words: 'Canvas' },
  { name: 'list', words: 'List' },
] as const
type Kind = (typeof KINDS)[number]

interface ToolsProps {
  readonly actor: string
  readonly view: BoardView
  readonly onView: (view: BoardView) => void
  readonly children: ReactNode
}

/** Buttons for the whole board. */
export function Tools({ actor, view, onView, children }: ToolsProps): ReactNode {
  const workspace = useWorkspace()
  const { canUndo, canRedo, undo, redo } = useUndo()
  const add = ({ detail }: MouseEvent, kind: Kind): void => {
    // Rendered at once, so that the block can be brought into view.
    const id = flushSync(() => addBlock(workspace, kind, actor))
    // A click by pointer moves the focus into the new text. A key press may be repeated, so it leaves the focus here.
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
      <fieldset className="views">
        <legend className="hidden">View</legend>
        {VIEWS.map(({ name, words }) => (
          <button type="button" key={name} aria-pressed={view === name} onClick={() => onView(name)}>
            {words}
          </button>
        ))}
      </fieldset>
      {children}
    </nav>
  )
}

/** Makes a block after all others, with a title that no other block has, as one undo step. Returns its id. */
function addBlock(workspace: Workspace, { type, title }: Kind, actor: string): string {
  const titles = new Set(workspace.blocks.list().map(({ fields, id }) => titleOf(fields.get('title'), id)))
  const author = { source: 'user_action', actor } as const
  const at = freePlace()
  workspace.undo.split()
  const id = workspace.transact(() => {
    const block = workspace.blocks.create({ type })
    block.fields.set('title', freshTitle(title, titles), author)
    placeLast(workspace, block.id, author)
    if (at !== undefined) setPosition(block, at, author)
    return block.id
  })
  workspace.undo.split()
  return id
}
