import { useConnectionStatus, useObservable, useServer, useUndo, useWorkspace } from '@joinery/react'
import { type ReactNode, useCallback, useState } from 'react'
import { Banner } from './banner.tsx'
import { BlockCard } from './block-card.tsx'
import { freshBlockId } from './block-id.ts'
import { freshTitle, titleOf } from './block-title.ts'
import { useOwnPresence } from './carets/own-presence.ts'
import { blockOrderOf, moveBlock, placeLast, stepsTo } from './order/block-order.ts'
import { SidePanels } from './panels/side-panels.tsx'
import { People } from './people.tsx'
import type { Person } from './person.ts'
import { SaveStatusLine } from './save-status-line.tsx'

const KINDS = [
  { type: 'text', button: 'Add text block', title: 'Text' },
  { type: 'vector_collection', button: 'Add vector collection', title: 'Collection' },
] as const

/** The workspace: what one can do, who is here, and all blocks. */
export function Board({ name, person }: { name: string; person: Person }): ReactNode {
  const workspace = useWorkspace()
  useOwnPresence(person)
  const ids = useObservable(blockOrderOf(workspace))
  const { canUndo, canRedo, undo, redo } = useUndo()
  const isConnected = useConnectionStatus() === 'connected'
  // The server has the last word on who writes: with a token that is not the name chosen here.
  const actor = useServer()?.actor ?? person.name
  const add = ({ type, title }: (typeof KINDS)[number]): void => {
    const titles = new Set(workspace.blocks.list().map(({ fields, id }) => titleOf(fields.get('title'), id)))
    workspace.undo.split()
    workspace.transact(() => {
      const block = workspace.blocks.create(freshBlockId(Date.now(), crypto.randomUUID()), { type })
      block.fields.set('title', freshTitle(title, titles), { source: 'user_action', actor })
      placeLast(workspace, block.id, { source: 'user_action', actor })
    })
    workspace.undo.split()
  }
  const [said, setSaid] = useState('')
  const move = useCallback(
    (id: string, by: number | string) => {
      const steps = typeof by === 'number' ? by : stepsTo(workspace, id, by)
      const moved = moveBlock(workspace, id, steps, { source: 'user_action', actor })
      if (moved === undefined) return
      const title = titleOf(workspace.blocks.get(id)?.fields.get('title'), id)
      setSaid(`${title} is ${moved.at + 1} of ${moved.of}`)
    },
    [workspace, actor],
  )
  return (
    <>
      <header className="bar">
        <h1>{name}</h1>
        <SaveStatusLine />
        <People self={person} />
      </header>
      <Banner />
      <nav className="tools" aria-label="Blocks">
        {KINDS.map((kind) => (
          <button type="button" key={kind.type} className="primary" onClick={() => add(kind)}>
            {kind.button}
          </button>
        ))}
        <button type="button" disabled={!canUndo} onClick={undo}>
          Undo
        </button>
        <button type="button" disabled={!canRedo} onClick={redo}>
          Redo
        </button>
        <SidePanels name={name} />
      </nav>
      <main className="board">
        {ids.map((id) => (
          <BlockCard key={id} id={id} actor={actor} workspaceName={name} onMove={move} />
        ))}
        {ids.length === 0 && (
          <p className="empty">{isConnected ? 'Nothing here yet. Add a block to begin.' : 'Opening the workspace…'}</p>
        )}
      </main>
      <p className="hidden" aria-live="polite">
        {said}
      </p>
    </>
  )
}
