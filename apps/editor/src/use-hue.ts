import { useWorkspace } from '@joinery/react'
import { useCallback, useSyncExternalStore } from 'react'
import { hueOf, isPerson } from './person.ts'

/** Colour of somebody by their name, degrees: the one that they show while they are here, or else one that follows from the name. */
export function useHue(name: string): number {
  const { presence } = useWorkspace()
  const subscribe = useCallback((listener: () => void) => presence.others.subscribe(listener), [presence])
  return useSyncExternalStore(subscribe, () => {
    const own = presence.get()
    if (isPerson(own) && own.name === name) return own.hue
    const peer = presence.others.get().find(({ state }) => isPerson(state) && state.name === name)?.state
    return isPerson(peer) ? peer.hue : hueOf(name)
  })
}
