import type { MouseEvent, ReactNode } from 'react'
import { openBlock } from '../panels/open-block.ts'
import { Panel } from '../panels/panel.tsx'
import type { AllConflicts } from './all-conflicts.ts'
import './conflicts.css'

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

export function ConflictsPanel({ conflicts, onClose }: { conflicts: AllConflicts; onClose: () => void }): ReactNode {
  const { list, dismiss, clear } = conflicts
  const dismissFrom = ({ currentTarget }: MouseEvent<HTMLElement>, id: string): void => {
    // The button disappears, and the focus must stay inside the panel.
    currentTarget.closest('aside')?.querySelector('h2')?.focus()
    dismiss(id)
  }
  return (
    <Panel title="Conflicts" onClose={onClose}>
      {list.length === 0 ? (
        <p className="soft">
          Nobody has contradicted anybody since you opened this page. When two people or jobs write the same thing at
          once, this panel shows which value stands, which one lost, and why.
        </p>
      ) : (
        <>
          <ol className="conflicts">
            {list.map(({ id, blockId, atMs, headline, lost, why }) => (
              <li key={id}>
                <p>
                  <strong>{headline}</strong>
                </p>
                <p className="lost">{lost}</p>
                <p className="soft">{why}</p>
                <footer>
                  <time className="soft" dateTime={new Date(atMs).toISOString()}>
                    {TIME.format(atMs)}
                  </time>
                  <button type="button" onClick={() => openBlock(blockId)}>
                    Open block
                  </button>
                  <button type="button" onClick={(event) => dismissFrom(event, id)}>
                    Dismiss
                  </button>
                </footer>
              </li>
            ))}
          </ol>
          <button type="button" onClick={clear}>
            Dismiss all
          </button>
        </>
      )}
    </Panel>
  )
}
