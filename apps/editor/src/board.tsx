import { blockIdsOf, moveBlock } from '@joinery/client'
import { useBlocks, useServer, useWorkspace } from '@joinery/react'
import { deleteBlocks } from '@joinery/react-flow'
import { type ReactNode, useCallback, useState } from 'react'
import { pagePath } from './address.ts'
import { Banner } from './banner.tsx'
import { titleOf } from './block-title.ts'
import { useBoardView } from './board-view.ts'
import { BoardCanvas } from './canvas/index.tsx'
import { useOwnPresence } from './carets/own-presence.ts'
import { FileDrop } from './files/index.tsx'
import { FollowNotice } from './follow/follow-notice.tsx'
import { mayWrite, useCanWrite } from './keys/use-can-write.ts'
import { BoardList } from './list/board-list.tsx'
import { Mark } from './mark.tsx'
import { stepsTo } from './order/steps-to.ts'
import { boardCommands } from './palette/board-commands.ts'
import { PaletteButton } from './palette/index.tsx'
import { type OpenPanel, type PanelName, SidePanels } from './panels/side-panels.tsx'
import { People } from './people.tsx'
import type { Person } from './person.ts'
import { useIsPrinted } from './print.ts'
import { SaveStatusLine } from './save-status-line.tsx'
import { LargeText } from './text/index.tsx'
import { Tools } from './tools.tsx'
import { UndoNotice } from './undo/undo-notice.tsx'
import { offerUndo } from './undo/undo-offer.ts'
import { useUndoKeys } from './undo/use-undo-keys.ts'
import { ViewSwitch } from './view-switch.tsx'
import { Welcome } from './welcome.tsx'

interface BoardProps {
  readonly name: string
  readonly person: Person
  /** Absent if the server gives the name. */
  readonly onRename: ((name: string) => void) | undefined
}

/** The page of a workspace: its tools, the people present, and all blocks. */
export function Board({ name, person, onRename }: BoardProps): ReactNode {
  const workspace = useWorkspace()
  useOwnPresence(person)
  useUndoKeys()
  const [view, chooseView] = useBoardView()
  // On paper the list stands beside the canvas, which keeps its place for afterwards and is not printed.
  const isPrinted = useIsPrinted()
  const hasList = view === 'list' || isPrinted
  const isEmpty = useBlocks().length === 0
  const [panel, setPanel] = useState<OpenPanel>()
  const openPanel = useCallback((name: PanelName) => setPanel({ name }), [])
  // The server decides who the actor is: with a token, it is not the name chosen here.
  const actor = useServer()?.actor ?? person.name
  const [said, setSaid] = useState('')
  const move = useCallback(
    (id: string, by: number | string) => {
      if (!mayWrite(workspace)) return
      const steps = typeof by === 'number' ? by : stepsTo(blockIdsOf(workspace).get(), id, by)
      const moved = moveBlock(workspace, id, steps, { source: 'user_action', actor })
      if (moved === undefined) return
      const title = titleOf(workspace.blocks.get(id)?.fields.get('title'), id)
      setSaid(`${title} is ${moved.at + 1} of ${moved.of}`)
    },
    [workspace, actor],
  )
  const remove = useCallback(
    (id: string) => {
      const title = titleOf(workspace.blocks.get(id)?.fields.get('title'), id)
      const at = document.querySelector(`[data-block="${CSS.escape(id)}"]`)?.getBoundingClientRect()
      if (!mayWrite(workspace, at)) return
      // A step of its own: undo restores the block without reverting the text typed before.
      if (deleteBlocks(workspace, [id], { source: 'user_action', actor }) > 0)
        offerUndo(workspace, `“${title}” deleted.`, at)
    },
    [workspace, actor],
  )
  const canWrite = useCanWrite()
  const commandsOf = useCallback(
    () => boardCommands({ workspace, actor, canWrite, onView: chooseView, onPanel: openPanel, onDelete: remove }),
    [workspace, actor, canWrite, chooseView, openPanel, remove],
  )
  const setting = { actor, workspaceName: name, onMove: move, onDelete: remove }
  return (
    <div className={`page ${hasList ? 'list' : 'canvas'}`}>
      <header className="bar">
        <a className="home" href={pagePath('')} aria-label="Joinery">
          <Mark size={28} />
        </a>
        <h1>{name}</h1>
        <SaveStatusLine />
        <ViewSwitch view={view} onView={chooseView} />
        <PaletteButton commandsOf={commandsOf} />
        <People self={person} onRename={onRename} />
      </header>
      <Banner />
      <Tools actor={actor}>
        <SidePanels name={name} self={person} actor={actor} open={panel} onOpen={setPanel} />
      </Tools>
      <main className={hasList ? 'board' : 'whole'}>
        {hasList && <BoardList {...setting} />}
        {view === 'canvas' && <BoardCanvas {...setting} onSay={setSaid} />}
        <FollowNotice isList={view === 'list'} />
        {isEmpty && (
          <Welcome
            name={name}
            onWatch={(no) => setPanel({ name: 'Demonstration', scenario: { name: 'workday', no } })}
          />
        )}
      </main>
      <LargeText />
      <FileDrop actor={actor} onSay={setSaid} />
      <UndoNotice />
      <p className="hidden" aria-live="polite">
        {said}
      </p>
    </div>
  )
}
