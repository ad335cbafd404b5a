import { useConnectionStatus } from '@joinery/react'
import { useEffect, useSyncExternalStore } from 'react'
import { readStatus } from './demonstration-client.ts'

/** Names of workspaces whose server offers the demonstration. Shared, because every card of a board asks for it. */
const offered = new Set<string>()
const listeners = new Set<() => void>()

/** Asks the server, once connected, whether it offers the demonstration. For one component of the page. */
export function useDemonstrationOffer(name: string): boolean {
  const isConnected = useConnectionStatus() === 'connected'
  const isOffered = useIsOffered(name)
  useEffect(() => {
    if (!isConnected || isOffered) return
    const controller = new AbortController()
    readStatus(name, controller.signal).then(
      () => {
        offered.add(name)
        for (const listener of [...listeners]) listener()
      },
      // A server with keys has no demonstration; that is no error.
      () => undefined,
    )
    return () => controller.abort()
  }, [name, isConnected, isOffered])
  return isOffered
}

/** Whether the server has answered that it offers the demonstration. For any number of components. */
export function useIsOffered(name: string): boolean {
  return useSyncExternalStore(subscribe, () => offered.has(name))
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
