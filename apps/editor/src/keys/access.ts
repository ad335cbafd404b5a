import type { SaveStatus, ServerInfo } from '@joinery/client'
import { claimsOf } from './token-text.ts'

/** The access of a person: `none` for one whom the server has not let in during this visit. */
export type Access = 'write' | 'read' | 'none'

/**
 * Before the server has said what a person may do, their token tells; without one, a person who opens a page offline goes on writing.
 * A person whom the server refuses first has nothing to write in. One who is refused later goes on: a new link saves their edits.
 */
export function accessOf(server: ServerInfo | undefined, status: SaveStatus, token: string | undefined): Access {
  if (server !== undefined) return server.access === 'read' ? 'read' : 'write'
  if (status.state === 'rejected' && status.what === 'connection') return 'none'
  return token !== undefined && claimsOf(token).isReader ? 'read' : 'write'
}
