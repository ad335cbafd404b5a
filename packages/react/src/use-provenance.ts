import type { Stamp } from '@joinery/client'
import { useCallback, useSyncExternalStore } from 'react'
import { useWorkspace } from './use-workspace.ts'

/**
 * Tells who last touched block `id`, or one part of it, by the server's log. Undefined before the server's answer, and if nobody
 * touched it. Renders again when it is touched again.
 */
export function useProvenance(id: string, part?: 'content' | 'indexingList' | 'fields' | 'type'): Stamp | undefined {
  const { provenance } = useWorkspace()
  const path = part === undefined ? id : `${id}/${part}`
  const get = useCallback(() => provenance.known(path), [provenance, path])
  return useSyncExternalStore(provenance.subscribe, get, get)
}
