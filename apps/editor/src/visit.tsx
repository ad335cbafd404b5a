import { WorkspaceProvider } from '@joinery/react'
import { type ReactNode, useState } from 'react'
import { Board } from './board.tsx'
import { storage } from './device-storage.ts'
import { LISTS } from './page-machines.ts'
import { keepPerson, readPerson } from './person.ts'

/** Opens a workspace for the person at this device. A new name opens it anew, because a connection has a fixed actor. */
export function Visit({ name: workspace }: { name: string }): ReactNode {
  const [person, setPerson] = useState(() => readPerson(storage, Math.random))
  const rename = (name: string): void => {
    const renamed = { ...person, name }
    keepPerson(storage, renamed)
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
