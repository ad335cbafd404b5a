import { type ReactNode, Suspense, useCallback, useRef, useState } from 'react'
import { ConflictsAnnouncer, ConflictsPanel, useAllConflicts } from '../conflicts/index.tsx'
import { DemonstrationPanel, useDemonstrationOffer, useIndexer } from '../demonstration/index.tsx'
import { HistoryPanel } from '../history/index.tsx'
import './side-panels.css'

type PanelName = 'History' | 'Conflicts' | 'Demonstration'

/** The buttons that open a panel, and the one that is open. Panels are loaded when first opened. */
export function SidePanels({ name }: { name: string }): ReactNode {
  const [open, setOpen] = useState<PanelName>()
  const buttons = useRef(new Map<PanelName, HTMLButtonElement>())
  const conflicts = useAllConflicts()
  const isOffered = useDemonstrationOffer(name)
  useIndexer(name, isOffered)
  const close = useCallback(() => {
    setOpen((was) => {
      // Back to where the keyboard came from.
      if (was !== undefined) buttons.current.get(was)?.focus()
      return undefined
    })
  }, [])
  const button = (panel: PanelName, badge = 0): ReactNode => (
    <button
      type="button"
      ref={(element) => {
        if (element !== null) buttons.current.set(panel, element)
      }}
      aria-expanded={open === panel}
      onClick={() => setOpen((was) => (was === panel ? undefined : panel))}
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
      {button('History')}
      {button('Conflicts', conflicts.list.length)}
      {isOffered && button('Demonstration')}
      <ConflictsAnnouncer newest={conflicts.list[0]} />
      <Suspense fallback={null}>
        {open === 'History' && <HistoryPanel onClose={close} />}
        {open === 'Conflicts' && <ConflictsPanel conflicts={conflicts} onClose={close} />}
        {open === 'Demonstration' && <DemonstrationPanel name={name} onClose={close} />}
      </Suspense>
    </>
  )
}
