import { WorkspaceProvider } from '@joinery/react'
import { type ReactNode, useState } from 'react'
import { Board } from './board.tsx'
import { LISTS } from './page-machines.ts'
import { keepPerson, readPerson } from './person.ts'

/** Opens a workspace for the person at this device. A new name opens it anew, because a connection has a fixed actor. */
export function Visit({ name: workspace }: { name: string }): ReactNode {
  const [person, setPerson] = useState(() => readPerson(localStorage, Math.random))
  const rename = (name: string): void => {
    const renamed = { ...person, name }
    keepPerson(localStorage, renamed)
    setPerson(renamed)
  }
  const token = new URLSearchParams(location.search).get('token') ?? undefined
  return (
    <WorkspaceProvider
      options={{
        url: location.origin,
        workspace,
        actor: person.name,
        lists: LISTS,
        ...(token !== undefined && { token }),
      }}
    >
      <Board name={workspace} person={person} onRename={rename} />
    </WorkspaceProvider>
  )
}
