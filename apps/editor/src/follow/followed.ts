import type { Observable } from '@joinery/client'
import type { Person } from '../person.ts'

/** Somebody whose view this page follows. */
export interface Followed extends Person {
  readonly clientId: number
}

let followed: Followed | undefined
const listeners = new Set<() => void>()

/** The person whose view this page follows; undefined while it follows nobody. */
export const presentFollowed: Observable<Followed | undefined> = {
  get: () => followed,
  subscribe: (listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

/** Follows somebody's view from now on, or nobody's. */
export function follow(next: Followed | undefined): void {
  if (next === followed) return
  followed = next
  for (const listener of [...listeners]) listener()
}
