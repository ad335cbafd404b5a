import type { WorkspaceId, Workspaces } from '@joinery/server'
import { ApiError } from './api-error.ts'

export type Position = Awaited<ReturnType<Workspaces['position']>>

/** The position of the workspace's log, read without making a document. Throws `unknown_workspace`. */
export async function positionOf(workspaces: Workspaces, workspace: WorkspaceId): Promise<Position> {
  const position = await workspaces.position(workspace)
  assertKnown(workspace, position)
  return position
}

/** Throws `unknown_workspace` for a workspace in which nothing was ever written. */
export function assertKnown(workspace: string, { head, generation }: Pick<Position, 'head' | 'generation'>): void {
  if (head === 0 && generation === undefined) throw unknownWorkspace(workspace)
}

export function unknownWorkspace(workspace: string): ApiError {
  return new ApiError('unknown_workspace', `there is no workspace "${workspace}": write a block in it to make it`)
}
