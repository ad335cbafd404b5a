import { useObservable, usePresence } from '@joinery/react'
import type { ReactNode } from 'react'
import { Avatar } from './avatar.tsx'
import { follow, presentFollowed } from './follow/followed.ts'
import { goTo } from './follow/go-to.ts'
import { OwnAvatar } from './own-avatar.tsx'
import { isPerson, type Person } from './person.ts'

/**
 * List of the people present: the person at this device, then the others. A click on another leads to where they are, and their
 * second button follows them.
 */
export function People({
  self,
  onRename,
}: {
  self: Person
  onRename: ((name: string) => void) | undefined
}): ReactNode {
  const { others } = usePresence()
  const followed = useObservable(presentFollowed)
  return (
    <ul className="people" aria-label="People here">
      <OwnAvatar self={self} onRename={onRename} />
      {others.map(({ clientId, state }) => {
        if (!isPerson(state)) return null
        const { name, hue } = state
        const isFollowed = followed?.clientId === clientId
        return (
          <li key={clientId} title={name}>
            <button type="button" className="own-avatar" onClick={() => goTo(state)}>
              <Avatar person={state} />
              <span className="hidden">{name}</span>
            </button>
            {/* Its word is drawn by the style sheet: the text of an item is its person's name. */}
            <button
              type="button"
              className="follow-button"
              aria-label={`Follow ${name}`}
              aria-pressed={isFollowed}
              onClick={() => follow(isFollowed ? undefined : { clientId, name, hue })}
            />
          </li>
        )
      })}
    </ul>
  )
}
