import type { SaveStatus } from '@joinery/client'
import { useSyncExternalStore } from 'react'
import { useWorkspace } from './use-workspace.ts'

/** State of the connection. `unknown` while the save status shows refused edits instead: it shows one fact at a time. */
export type ConnectionStatus = 'connected' | 'connecting' | 'waiting' | 'closed' | 'refused' | 'unknown'

/** State of the connection. Renders again when the connection changes, not with each saved edit. */
export function useConnectionStatus(): ConnectionStatus {
  const { saveStatus } = useWorkspace()
  const get = (): ConnectionStatus => connectionOf(saveStatus.get())
  return useSyncExternalStore(saveStatus.subscribe, get, get)
}

function connectionOf(status: SaveStatus): ConnectionStatus {
  switch (status.state) {
    case 'offline':
      return status.cause
    case 'rejected':
      return status.what === 'connection' ? 'refused' : 'unknown'
    default:
      return 'connected'
  }
}
