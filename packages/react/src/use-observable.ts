import type { Observable } from '@joinery/client'
import { useSyncExternalStore } from 'react'

/** The value of an observable of the SDK. Renders again when it changes. */
export function useObservable<T>({ get, subscribe }: Observable<T>): T {
  return useSyncExternalStore(subscribe, get, get)
}
