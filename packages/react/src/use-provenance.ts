import type { ClaimList, ClaimsJson } from '@joinery/blocks'
import type { Stamp } from '@joinery/client'
import { useCallback, useSyncExternalStore } from 'react'
import { useWorkspace } from './use-workspace.ts'

/**
 * Tells who last touched block `id`, or one part of it (a list of claims by its row), by the server's log. Undefined before the server's answer, and if nobody
 * touched it. Renders again when it is touched again.
 */
export function useProvenance(id: string, part?: 'content' | 'type' | keyof ClaimsJson | ClaimList): Stamp | undefined {
  const { provenance } = useWorkspace()
  const name = typeof part === 'object' ? part.part : part
  const path = name === undefined ? id : `${id}/${name}`
  const get = useCallback(() => provenance.known(path), [provenance, path])
  return useSyncExternalStore(provenance.subscribe, get, get)
}
