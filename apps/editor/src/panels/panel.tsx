import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react'
import { createPortal } from 'react-dom'
import './panel.css'

export interface PanelProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
}

/** A sheet beside the board: what is on the board stays in reach while it is open. */
export function Panel({ title, onClose, children }: PanelProps): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  const panelOnKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return
    event.stopPropagation()
    onClose()
  }
  // A landmark of its own, wherever the button that opens it stands.
  return createPortal(
    <aside className="panel" aria-label={title} onKeyDown={panelOnKeyDown}>
      <header>
        <h2 ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <button type="button" className="quiet" onClick={onClose}>
          Close<span className="hidden"> {title}</span>
        </button>
      </header>
      <div className="panel-body">{children}</div>
    </aside>,
    document.body,
  )
}
