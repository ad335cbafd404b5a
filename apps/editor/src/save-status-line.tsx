import { useSaveStatus, useWorkspace } from '@joinery/react'
import { type ReactNode, useEffect } from 'react'
import { isUnsaved, saveStatusWords } from './save-status-words.ts'

/** The truth about one's edits, and a warning before the page closes while some could be lost. */
export function SaveStatusLine(): ReactNode {
  const status = useSaveStatus()
  const workspace = useWorkspace()
  const isAtRisk = isUnsaved(status)
  useEffect(() => {
    if (!isAtRisk) return
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault()
    window.addEventListener('beforeunload', warn)
    return () => window.removeEventListener('beforeunload', warn)
  }, [isAtRisk])
  const { tone, text } = saveStatusWords(status)
  return (
    <div className="save">
      <div role="status" aria-label="Save status" className={`pill ${tone}`}>
        {text}
      </div>
      {status.state === 'rejected' && status.what === 'edits' && (
        <button type="button" onClick={() => workspace.acknowledgeRejection()}>
          Understood
        </button>
      )}
      {status.state === 'rejected' && status.what === 'connection' && (
        <button type="button" onClick={() => workspace.reconnect()}>
          Try again
        </button>
      )}
    </div>
  )
}
