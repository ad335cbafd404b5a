import { usePresence } from '@joinery/react'
import type { ReactNode } from 'react'
import { Avatar } from './avatar.tsx'
import { OwnAvatar } from './own-avatar.tsx'
import { openBlock } from './panels/open-block.ts'
import { isPerson, type Person } from './person.ts'

/** Brings the block into view that a person writes in, without taking the focus from where it is. */
function goTo({ cursor }: Person & { readonly cursor?: unknown }): void {
  const { block } = Object(cursor) as { block?: unknown }
  if (typeof block === 'string') openBlock(block, { keepsFocus: true })
}

/** List of the people present: the person at this device, then the others. A click on another leads to the block they write in. */
export function People({ self, onRename }: { self: Person; onRename: (name: string) => void }): ReactNode {
  const { others } = usePresence()
  return (
    <ul className="people" aria-label="People here">
      <OwnAvatar self={self} onRename={onRename} />
      {others.map(
        ({ clientId, state }) =>
          isPerson(state) && (
            <li key={clientId} title={state.name}>
              <button type="button" className="own-avatar" onClick={() => goTo(state)}>
                <Avatar person={state} />
                <span className="hidden">{state.name}</span>
              </button>
            </li>
          ),
      )}
    </ul>
  )
}
