import type { ServerInfo } from '@joinery/client'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/** Who the server takes this connection for, and what it promises; undefined before it let this client in. */
export function useServer(): ServerInfo | undefined {
  return useObservable(useWorkspace().server)
}
