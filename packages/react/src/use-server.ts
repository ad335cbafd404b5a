import type { ServerInfo } from '@joinery/client'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/** The identity that the server gives this connection, and what it promises. Undefined before the first connection. */
export function useServer(): ServerInfo | undefined {
  return useObservable(useWorkspace().server)
}
