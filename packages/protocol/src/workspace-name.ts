declare const workspaceIdBrand: unique symbol
/** The name of one workspace, checked by {@link parseWorkspaceName}. */
export type WorkspaceId = string & { readonly [workspaceIdBrand]: true }

/** Characters of one segment. Bounded so that a name fits a key and a log line. */
const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}$/
/** Segments of one name: organisation, project, folder, document. */
const SEGMENTS_MAX = 4

/** What a workspace name has to be, for a person who got it wrong. */
export const WORKSPACE_NAME_RULE =
  'a workspace name is 1 to 4 segments joined by "/", each 1 to 128 of A-Z a-z 0-9 . _ ~ : - and starting with a letter or digit'

/** The workspace's id, or undefined when `name` breaks {@link WORKSPACE_NAME_RULE}. `name` is already percent-decoded. */
export function parseWorkspaceName(name: string): WorkspaceId | undefined {
  const segments = name.split('/')
  if (segments.length > SEGMENTS_MAX) return undefined
  for (const segment of segments) if (!SEGMENT.test(segment) || segment.includes('..')) return undefined
  return name as WorkspaceId
}
