import { blockIdsOf, moveBlock } from '@joinery/client'
import { useBlocks, useServer, useWorkspace } from '@joinery/react'
import { type ReactNode, useCallback, useState } from 'react'
import { Banner } from './banner.tsx'
import { BlockCard } from './block-card.tsx'
import { titleOf } from './block-title.ts'
import { useOwnPresence } from './carets/own-presence.ts'
import { Mark } from './mark.tsx'
import { stepsTo } from './order/steps-to.ts'
import { type OpenPanel, SidePanels } from './panels/side-panels.tsx'
import { People } from './people.tsx'
import type { Person } from './person.ts'
import { SaveStatusLine } from './save-status-line.tsx'
import { Tools } from './tools.tsx'
import { Welcome } from './welcome.tsx'

interface BoardProps {
  readonly name: string
  readonly person: Person
  readonly onRename: (name: string) => void
}

/** The page of a workspace: its tools, the people present, and all blocks. */
export function Board({ name, person, onRename }: BoardProps): ReactNode {
  const workspace = useWorkspace()
  useOwnPresence(person)
  const ids = useBlocks()
  const [panel, setPanel] = useState<OpenPanel>()
  // The server decides who the actor is: with a token, it is not the name chosen here.
  const actor = useServer()?.actor ?? person.name
  const [said, setSaid] = useState('')
  const move = useCallback(
    (id: string, by: number | string) => {
      const steps = typeof by === 'number' ? by : stepsTo(blockIdsOf(workspace).get(), id, by)
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
        <a className="home" href="/" aria-label="Joinery">
          <Mark size={28} />
        </a>
        <h1>{name}</h1>
        <SaveStatusLine />
        <People self={person} onRename={onRename} />
      </header>
      <Banner />
      <Tools actor={actor}>
        <SidePanels name={name} open={panel} onOpen={setPanel} />
      </Tools>
      <main className="board">
        {ids.map((id) => (
          <BlockCard key={id} id={id} actor={actor} workspaceName={name} onMove={move} />
        ))}
        {ids.length === 0 && (
          <Welcome name={name} onWatch={() => setPanel({ name: 'Demonstration', scenario: 'workday' })} />
        )}
      </main>
      <p className="hidden" aria-live="polite">
        {said}
      </p>
    </>
  )
}
