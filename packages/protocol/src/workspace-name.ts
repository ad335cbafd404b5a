declare const workspaceIdBrand: unique symbol
/** The name of one workspace, checked by {@link parseWorkspaceName}. */
export type WorkspaceId = string & { readonly [workspaceIdBrand]: true }

/** One segment of a name. Its length is bounded, so that a name fits a key and a line of a log. */
const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}$/
/** Segments of one name, such as organisation, project, folder and document. */
const SEGMENTS_MAX = 4

/** The rule for workspace names, in words for error messages. */
export const WORKSPACE_NAME_RULE =
  'a workspace name is 1 to 4 segments joined by "/", each 1 to 128 of A-Z a-z 0-9 . _ ~ : - and starting with a letter or digit'

/** Parses a percent-decoded name. Returns undefined when `name` breaks {@link WORKSPACE_NAME_RULE}. */
export function parseWorkspaceName(name: string): WorkspaceId | undefined {
  const segments = name.split('/')
  if (segments.length > SEGMENTS_MAX) return undefined
  for (const segment of segments) if (!SEGMENT.test(segment) || segment.includes('..')) return undefined
  return name as WorkspaceId
}
