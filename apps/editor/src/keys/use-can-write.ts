import type { ServerInfo, Workspace } from '@joinery/client'
import { useObservable, useServer } from '@joinery/react'
import { tellOnly } from '../undo/undo-offer.ts'
import { tokens } from './page-keys.ts'
import { claimsOf } from './token-text.ts'

/**
 * Whether this person may write here. Before the server has said so, their token tells; without one, a person who opens a page
 * offline goes on writing.
 */
export function useCanWrite(): boolean {
  return isWriter(useServer(), useObservable(tokens))
}

/** For what a person does by key, drop or menu: whether they may write. If not, tells them so, at the place `at`. */
export function mayWrite({ server }: Workspace, at?: DOMRect): boolean {
  const isAllowed = isWriter(server.get(), tokens.get())
  if (!isAllowed) tellOnly('You may read here, not write: nothing was changed.', at)
  return isAllowed
}

function isWriter(server: ServerInfo | undefined, token: string | undefined): boolean {
  if (server !== undefined) return server.access !== 'read'
  return token === undefined || !claimsOf(token).isReader
}
