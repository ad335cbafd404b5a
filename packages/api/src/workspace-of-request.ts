import { scopeOfPart } from '@joinery/resources'
import { parseWorkspaceName, type WorkspaceId } from '@joinery/server'
import { workspaceHashOfToken, workspaceOfTask } from '@joinery/tasks'

/** Hexadecimal digits of the hash of a workspace's name: 8 bytes. */
const HASH_DIGITS = 16
const SEGMENT = /^\/v1\/(workspaces|tasks|work\/leases|blobs)\/([^/?#]+)/

/** Finds the workspace of whose name the SHA-256 begins with these 16 hexadecimal digits. */
export type WorkspaceByHash = (hash: string) => WorkspaceId | undefined

/** The first 16 hexadecimal digits of a SHA-256, which the scope of a file begins with, too. */
export function workspaceHash(sha256: string): string {
  return sha256.slice(0, HASH_DIGITS)
}

/**
 * The workspace that the target of a request is for; undefined for a target that every process answers. Names in paths and ids of tasks say
 * the workspace. Tokens of leased steps and signed URLs for parts of files say a hash of it.
 */
export function workspaceOfRequest(target: string, byHash: WorkspaceByHash): WorkspaceId | undefined {
  const [, kind, segment] = SEGMENT.exec(target) ?? []
  if (segment === undefined) return undefined
  const said = decoded(segment)
  switch (kind) {
    case 'workspaces':
      return said === undefined ? undefined : parseWorkspaceName(said)
    case 'tasks':
      return said === undefined ? undefined : (workspaceOfTask(said) as WorkspaceId | undefined)
    case 'work/leases':
      return withHash(said && workspaceHashOfToken(said), byHash)
    default:
      return withHash(scopeOfPart(segment), byHash)
  }
}

function withHash(hash: string | undefined, byHash: WorkspaceByHash): WorkspaceId | undefined {
  return hash === undefined ? undefined : byHash(workspaceHash(hash))
}

/** Undefined for a segment whose encoding is wrong: its route refuses it. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
