import { WorkspaceProvider } from '@joinery/react'
import { type ReactNode, useState } from 'react'
import { Board } from './board.tsx'
import { keepPerson, readPerson } from './person.ts'

/** A workspace, open for the person who sits here. Under another name it is opened anew: who writes is fixed with the connection. */
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
      options={{ url: location.origin, workspace, actor: person.name, ...(token !== undefined && { token }) }}
    >
      <Board name={workspace} person={person} onRename={rename} />
    </WorkspaceProvider>
  )
}
