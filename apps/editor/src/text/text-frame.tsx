import { useField } from '@joinery/react'
import { type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { titleOf } from '../block-title.ts'
import { LastEdit } from '../last-edit.tsx'
import { saveStatusWords } from '../save-status-words.ts'
import { useCalmStatus } from '../use-calm-status.ts'
import { openText } from './opened-text.ts'
import './text-frame.css'

/** Frame of the large editor: a dialog with the block's title, who wrote last, and whether all is saved. Closes at Escape. */
export function TextFrame({ id, children }: { id: string; children: ReactNode }): ReactNode {
  const title = titleOf(useField(id, 'title'), id)
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      className="large-text"
      aria-labelledby={heading}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented) openText(undefined)
      }}
      // A phone's gesture of going back, and whatever else closes it.
      onClose={() => openText(undefined)}
    >
      <header>
        <h2 id={heading}>{title}</h2>
        <LastEdit id={id} />
        <SavedWords />
        <button type="button" onClick={() => openText(undefined)}>
          Close
        </button>
      </header>
      {children}
    </dialog>
  )
}

/** The save status once more: the page's own is behind the dialog. */
function SavedWords(): ReactNode {
  const { tone, text } = saveStatusWords(useCalmStatus())
  return <span className={`pill ${tone}`}>{text}</span>
}
