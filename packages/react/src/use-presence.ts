import type { Peer, PresenceState } from '@joinery/client'
import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

export interface PresenceView {
  /** The other clients in the workspace, sorted by client id. An unchanged peer stays the same object. */
  readonly others: readonly Peer[]
  /** Shows `state` to the other clients; undefined removes it. Throws `presence_too_large`. */
  readonly set: (state: PresenceState | undefined) => void
}

/** Tells who else is in the workspace. */
export function usePresence(): PresenceView {
  const { presence } = useWorkspace()
  const others = useObservable(presence.others)
  return useMemo(() => ({ others, set: (state) => presence.set(state) }), [others, presence])
}
