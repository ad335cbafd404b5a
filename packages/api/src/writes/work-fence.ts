import type { RoomEdit, WorkspaceId, WorkspaceView } from '@joinery/server'
import { isWorkToken, type Kept, type Tasks } from '@joinery/tasks'
import { type AboutToWrite, touchedBefore } from './untouched.ts'

/** The condition under which a write is made. */
export interface Fence {
  /** The part of an edit that asks for a lease of the workspace, or tells the journal of the attempt what it has written. */
  readonly edit: { readonly lease?: string } & Pick<RoomEdit<unknown>, 'beside'>
  /**
   * Throws `lease_lost` unless the attempt's lease stands. Called in the turn of the write, before it.
   *
   * @param about what is about to be written; undefined for anything
   */
  check(view: WorkspaceView, about: AboutToWrite | undefined): void
}

/** The fence of a token that a request has sent: that of a lease of the workspace, or of an attempt of a task. */
export function fenceOf(tasks: Tasks | undefined, workspace: WorkspaceId, token: string | undefined): Fence {
  const nothing = (): void => undefined
  if (token === undefined) return { edit: {}, check: nothing }
  if (tasks === undefined || !isWorkToken(token)) return { edit: { lease: token }, check: nothing }
  let touched: readonly Kept[] = []
  return {
    edit: { beside: (record) => record && tasks.wrote(token, { lsn: record.lsn, touched }) },
    check: (view, about) => {
      tasks.assertStands(workspace, token)
      touched = touchedBefore(view, about, tasks.ownWrites(workspace, token))
    },
  }
}

/**
 * The lease of a workspace under which a request acts, once the lease of an attempt stands. Throws `lease_lost`. An attempt's token
 * is no lease of a workspace: nothing is left to ask then.
 */
export function leaseBesideWork(
  tasks: Tasks | undefined,
  workspace: WorkspaceId,
  token: string | undefined,
): string | undefined {
  if (token === undefined || tasks === undefined || !isWorkToken(token)) return token
  tasks.assertStands(workspace, token)
  return undefined
}
