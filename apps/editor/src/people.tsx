import { usePresence } from '@joinery/react'
import type { ReactNode } from 'react'
import { Avatar } from './avatar.tsx'
import { OwnAvatar } from './own-avatar.tsx'
import { isPerson, type Person } from './person.ts'

/** List of the people present: the person at this device, then the others. */
export function People({ self, onRename }: { self: Person; onRename: (name: string) => void }): ReactNode {
  const { others } = usePresence()
  return (
    <ul className="people" aria-label="People here">
      <OwnAvatar self={self} onRename={onRename} />
      {others.map(
        ({ clientId, state }) =>
          isPerson(state) && (
            <li key={clientId} title={state.name}>
              <Avatar person={state} />
              <span className="hidden">{state.name}</span>
            </li>
          ),
      )}
    </ul>
  )
}
