import { useObservable, useWorkspace, WorkspaceProvider } from '@joinery/react'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import { serverAddress } from './address.ts'
import { Board } from './board.tsx'
import { storage } from './device-storage.ts'
import { tokens } from './keys/page-keys.ts'
import { personOf } from './keys/token-person.ts'
import { LISTS } from './page-machines.ts'
import { keepPerson, readPerson } from './person.ts'

/**
 * Opens a workspace for the person at this device. A new name opens it anew, because a connection has a fixed actor. With a token,
 * the person is whom it names.
 */
export function Visit({ name: workspace }: { name: string }): ReactNode {
  const [chosen, setChosen] = useState(() => readPerson(storage, Math.random))
  const rename = (name: string): void => {
    const renamed = { ...chosen, name }
    keepPerson(storage, renamed)
    setChosen(renamed)
  }
  const token = useObservable(tokens)
  const named = useMemo(() => personOf(token), [token])
  const person = named ?? chosen
  return (
    <WorkspaceProvider
      options={{ url: serverAddress(), workspace, actor: person.name, lists: LISTS, token: () => tokens.fresh() }}
    >
      <Board name={workspace} person={person} onRename={named === undefined ? rename : undefined} />
      <NewToken />
    </WorkspaceProvider>
  )
}

/** Connects again when a new token has come after a refusal. */
function NewToken(): ReactNode {
  const workspace = useWorkspace()
  useEffect(
    () =>
      tokens.subscribe(() => {
        const status = workspace.saveStatus.get()
        if (status.state === 'rejected' && status.what === 'connection') workspace.reconnect()
      }),
    [workspace],
  )
  return null
}
