import { usePresence } from '@joinery/react'
import type { ReactNode } from 'react'
import { isPerson } from '../person.ts'

/** Rim and name on a node that another person drags. */
export function MovedBy({ clientId }: { clientId: number }): ReactNode {
  const { others } = usePresence()
  const state = others.find((peer) => peer.clientId === clientId)?.state
  if (!isPerson(state)) return null
  return (
    <div className="moved-by" style={{ '--hue': state.hue }}>
      <span>{state.name} moves it</span>
    </div>
  )
}
