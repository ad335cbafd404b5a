import { type ReactNode, useEffect, useRef } from 'react'
import { CommentsPanel, openCommentsDoor, useWaitingComments } from '../comments/index.tsx'
import { ConflictsAnnouncer, ConflictsPanel, useAllConflicts } from '../conflicts/index.tsx'
import { DemonstrationPanel, useDemonstrationOffer, useIndexer } from '../demonstration/index.tsx'
import { HistoryPanel } from '../history/index.tsx'
import { LeasesPanel } from '../leases/index.tsx'
import type { Person } from '../person.ts'
import { SetAsidePanel, useSetAside } from '../set-aside/index.tsx'
import { TasksPanel } from '../tasks/index.tsx'
import './side-panels.css'

export type PanelName = 'Comments' | 'History' | 'Conflicts' | 'Tasks' | 'Leases' | 'Set aside' | 'Demonstration'
export interface OpenPanel {
  readonly name: PanelName
  /** Scenario that the demonstration plays, once for each number. */
  readonly scenario?: { readonly name: string; readonly no: number }
  /** Block whose comments come first. */
  readonly block?: string
}
interface SidePanelsProps {
  readonly name: string
  readonly self: Person
  readonly actor: string
  readonly open: OpenPanel | undefined
  readonly onOpen: (panel: OpenPanel | undefined) => void
}

/** Buttons that open the panels, and the open panel. A panel's code is loaded when it is first opened. */
export function SidePanels({ name, self, actor, open, onOpen }: SidePanelsProps): ReactNode {
  const buttons = useRef(new Map<PanelName, HTMLButtonElement>())
  const conflicts = useAllConflicts()
  const setAside = useSetAside()
  const waiting = useWaitingComments([self.name, actor])
  useEffect(() => openCommentsDoor((block) => onOpen({ name: 'Comments', block })), [onOpen])
  const isOffered = useDemonstrationOffer(name)
  useIndexer(name, isOffered)
  const close = (): void => {
    onOpen(undefined)
    // The focus returns to the button that opened the panel, if it stays.
    const isGone = open?.name === 'Set aside' && setAside.copies.length === 0
    if (open !== undefined) buttons.current.get(isGone ? 'History' : open.name)?.focus()
  }
  const button = (panel: PanelName, badge = 0): ReactNode => (
    <button
      type="button"
      ref={(element) => {
        if (element !== null) buttons.current.set(panel, element)
      }}
      aria-expanded={open?.name === panel}
      onClick={() => onOpen(open?.name === panel ? undefined : { name: panel })}
    >
      {panel}
      {badge > 0 && (
        <>
          {' '}
          <span className="badge">{badge}</span>
          <span className="hidden"> to read</span>
        </>
      )}
    </button>
  )
  return (
    <>
      <div className="panel-buttons">
        {button('Comments', waiting)}
        {button('History')}
        {button('Conflicts', conflicts.list.length)}
        {button('Tasks')}
        {button('Leases')}
        {(setAside.copies.length > 0 || open?.name === 'Set aside') && button('Set aside', setAside.copies.length)}
        {isOffered && button('Demonstration')}
      </div>
      <ConflictsAnnouncer newest={conflicts.list[0]} />
      {open?.name === 'Comments' && (
        <CommentsPanel key={open.block} self={self} actor={actor} block={open.block} onClose={close} />
      )}
      {open?.name === 'History' && <HistoryPanel onClose={close} />}
      {open?.name === 'Conflicts' && <ConflictsPanel conflicts={conflicts} onClose={close} />}
      {open?.name === 'Tasks' && <TasksPanel onClose={close} />}
      {open?.name === 'Leases' && <LeasesPanel onClose={close} />}
      {open?.name === 'Set aside' && <SetAsidePanel setAside={setAside} onClose={close} />}
      {open?.name === 'Demonstration' && (
        // Made anew for a scenario, so that it plays also while the panel is open.
        <DemonstrationPanel key={open.scenario?.no} name={name} first={open.scenario?.name} onClose={close} />
      )}
    </>
  )
}
