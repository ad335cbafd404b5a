import { type LeasesView, leasesIn, type ShownLease } from '@joinery/client'
import { useCallback, useSyncExternalStore } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/**
 * The leases of the workspace: who holds what since when, and how many wait. The server is asked every two seconds while a component
 * shows them. To hold a lease, call `workspace.leases.acquire`.
 */
export function useLeases(): LeasesView {
  return useObservable(leasesIn(useWorkspace()))
}

/** The lease of a name; undefined while nobody holds it, and until the server has answered. Other leases do not render it. */
export function useLease(name: string): ShownLease | undefined {
  const { get, subscribe } = leasesIn(useWorkspace())
  const read = useCallback(() => get().list?.find((lease) => lease.name === name), [get, name])
  return useSyncExternalStore(subscribe, read, read)
}
