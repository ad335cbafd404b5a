import type { Peer, PresenceState } from '@joinery/client'
import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

export interface PresenceView {
  /** Everybody else who is here, by client id; a peer that did not change is the same object. */
  readonly others: readonly Peer[]
  /** Shows a state of one's own to the others; undefined leaves. Throws `presence_too_large`. */
  readonly set: (state: PresenceState | undefined) => void
}

/** Who else is here. */
export function usePresence(): PresenceView {
  const { presence } = useWorkspace()
  const others = useObservable(presence.others)
  return useMemo(() => ({ others, set: (state) => presence.set(state) }), [others, presence])
}
