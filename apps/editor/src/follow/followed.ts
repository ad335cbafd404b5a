import { type Observable, ObservableValue } from '@joinery/client'
import type { Person } from '../person.ts'

/** Somebody whose view this page follows. */
export interface Followed extends Person {
  readonly clientId: number
}

const followed = new ObservableValue<Followed | undefined>(undefined)

/** The person whose view this page follows; undefined while it follows nobody. */
export const presentFollowed: Observable<Followed | undefined> = followed

/** Follows somebody's view from now on, or nobody's. */
export function follow(next: Followed | undefined): void {
  followed.set(next)
}
