import { parseWorkspaceName, type WorkspaceId } from '@joinery/server'

const PATH = /^\/v1\/workspaces\/([^/?#]+)/

/** The workspace that a request's target names, `/v1/workspaces/{workspace}` or below; undefined for any other target. */
export function workspaceOfRequest(target: string): WorkspaceId | undefined {
  const name = PATH.exec(target)?.[1]
  if (name === undefined) return undefined
  try {
    return parseWorkspaceName(decodeURIComponent(name))
  } catch {
    // The route refuses such a name.
    return undefined
  }
}
