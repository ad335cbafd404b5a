import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react'
import { createPortal } from 'react-dom'
import './panel.css'

export interface PanelProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
}

/** A panel beside the board, which stays in reach while the panel is open. */
export function Panel({ title, onClose, children }: PanelProps): ReactNode {
  const aside = useRef<HTMLElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    // A field for which the panel was opened has the focus already.
    if (aside.current?.contains(document.activeElement) === false) heading.current?.focus()
  }, [])
  const panelOnKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return
    event.stopPropagation()
    onClose()
  }
  // In the body, so that the panel is a landmark of its own, outside the navigation with its button.
  return createPortal(
    <aside ref={aside} className="panel" aria-label={title} onKeyDown={panelOnKeyDown}>
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
