import type { Workspace } from '@joinery/client'
import { useObservable, useServer, useWorkspace } from '@joinery/react'
import { useSyncExternalStore } from 'react'
import { tellOnly } from '../undo/undo-offer.ts'
import { type Access, accessOf } from './access.ts'
import { tokens } from './page-keys.ts'

const REASONS: Readonly<Record<Exclude<Access, 'write'>, string>> = {
  read: 'You may read here, not write: nothing was changed.',
  none: 'The server has not let you in: nothing was changed.',
}

/** The access of this person. Renders again when it changes, not with each saved edit. */
export function useAccess(): Access {
  const { saveStatus } = useWorkspace()
  const server = useServer()
  const token = useObservable(tokens)
  const get = (): Access => accessOf(server, saveStatus.get(), token)
  return useSyncExternalStore(saveStatus.subscribe, get, get)
}

export const useCanWrite = (): boolean => useAccess() === 'write'

/** For what a person does by key, drop or menu: whether they may write. If not, tells them so, at the place `at`. */
export function mayWrite({ server, saveStatus }: Workspace, at?: DOMRect): boolean {
  const access = accessOf(server.get(), saveStatus.get(), tokens.get())
  if (access === 'write') return true
  tellOnly(REASONS[access], at)
  return false
}
