import type { SaveStatus } from '@joinery/client'
import { useSyncExternalStore } from 'react'
import { useWorkspace } from './use-workspace.ts'

/** Where the connection stands. `unknown` while refused edits hide it: the SDK tells one thing at a time. */
export type ConnectionStatus = 'connected' | 'connecting' | 'waiting' | 'closed' | 'refused' | 'unknown'

/** Renders again when the connection comes or goes, not with each edit that is saved. */
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
