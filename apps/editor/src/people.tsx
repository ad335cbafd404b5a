import { usePresence } from '@joinery/react'
import type { ReactNode } from 'react'
import { isPerson, type Person } from './person.ts'

/** Who is here: oneself, then the others. */
export function People({ self }: { self: Person }): ReactNode {
  const { others } = usePresence()
  return (
    <ul className="people" aria-label="People here">
      <Avatar person={self} note=" (you)" />
      {others.map(({ clientId, state }) => isPerson(state) && <Avatar key={clientId} person={state} />)}
    </ul>
  )
}

function Avatar({ person: { name, hue }, note = '' }: { person: Person; note?: string }): ReactNode {
  const initials = name
    .split(/\s+/)
    .map((word) => [...word][0] ?? '')
    .join('')
    .slice(0, 2)
  return (
    <li className="avatar" title={name + note} style={{ background: `hsl(${hue} 45% 32%)` }}>
      <span aria-hidden="true">{initials}</span>
      <span className="hidden">{name + note}</span>
    </li>
  )
}
