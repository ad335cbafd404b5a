import type { Observable } from '@joinery/client'
import { useSyncExternalStore } from 'react'

/** What an observable of the SDK holds; renders again when that changes. */
export function useObservable<T>({ get, subscribe }: Observable<T>): T {
  return useSyncExternalStore(subscribe, get, get)
}
