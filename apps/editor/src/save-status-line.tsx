import { useWorkspace } from '@joinery/react'
import { type ReactNode, useEffect } from 'react'
import { useAccess } from './keys/use-can-write.ts'
import { isUnsaved, saveStatusWords } from './save-status-words.ts'
import { useCalmStatus } from './use-calm-status.ts'

/** Shows the save status, and warns before the page closes while edits could be lost. */
export function SaveStatusLine(): ReactNode {
  const workspace = useWorkspace()
  const status = useCalmStatus()
  const isAtRisk = isUnsaved(status)
  useEffect(() => {
    if (!isAtRisk) return
    const warn = (event: BeforeUnloadEvent): void => {
      if (isUnsaved(workspace.saveStatus.get())) event.preventDefault()
    }
    window.addEventListener('beforeunload', warn)
    return () => window.removeEventListener('beforeunload', warn)
  }, [isAtRisk, workspace])
  const access = useAccess()
  const { tone, text } = saveStatusWords(status)
  return (
    <div className="save">
      <div role="status" aria-label="Save status" className={`pill ${tone}`}>
        {text}
      </div>
      {access === 'read' && status.state !== 'rejected' && <span className="pill">You may read here, not write</span>}
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
