import type { Stamp } from '@joinery/client'
import { useCallback, useSyncExternalStore } from 'react'
import { useWorkspace } from './use-workspace.ts'

/**
 * Who last touched block `id`, or one part of it, by the server's word; undefined when nobody has, or the server has not said
 * yet. Renders again when somebody else, or the same person again, touches just that.
 */
export function useProvenance(id: string, part?: 'content' | 'indexingList' | 'fields' | 'type'): Stamp | undefined {
  const { provenance } = useWorkspace()
  const path = part === undefined ? id : `${id}/${part}`
  const get = useCallback(() => provenance.known(path), [provenance, path])
  return useSyncExternalStore(provenance.subscribe, get, get)
}
