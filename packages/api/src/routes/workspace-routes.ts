import { listBlocks } from '@joinery/blocks'
import { type Identity, IdentityError } from '@joinery/server'
import * as Y from 'yjs'
import { z } from 'zod'
import { anyHeaders, noBody, nothing, type RawRequest, type Route, route } from '../route.ts'
import { limitQuery, lsnSchema, params, workspaceName } from '../schemas.ts'
import type { Services } from '../services.ts'
import type { WorkspaceId } from '../workspace-name.ts'
import { unknownWorkspace } from '../write-operations.ts'

/** Nobody's workspace: asks whether a token is good at all, when there is no workspace yet to ask about. */
const PROBE = 'probe' as WorkspaceId

const list = route(
  {
    method: 'GET',
    path: '/v1/workspaces',
    id: 'listWorkspaces',
    summary: 'Names of the workspaces that the caller may open',
    params: nothing,
    query: z.strictObject({ limit: limitQuery, after: workspaceName.optional() }),
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description: 'One page in byte order; `next` is the `after` of the next, null at the end.',
        schema: z.object({ workspaces: z.array(z.string()), next: z.string().nullable() }),
      },
    },
    errors: [],
  },
  async ({ query: { limit, after = '' }, request }, services) => {
    const { names, isLast } = await allowedNames(request, services, after, limit)
    return { status: 200, body: { workspaces: names, next: isLast ? null : names.at(-1) } }
  },
)

async function allowedNames(request: RawRequest, { workspaces }: Services, after: string, limit: number) {
  const names: string[] = []
  let identity: Identity | undefined
  for await (const name of workspaces.names()) {
    if (name <= after) continue
    identity ??= await identityFor(request, name as WorkspaceId)
    if (!identity?.allows(name as WorkspaceId)) continue
    if (names.length === limit) return { names, isLast: false }
    names.push(name)
  }
  if (identity === undefined) await identityFor(request, PROBE)
  return { names, isLast: true }
}

/** Who calls, or undefined when they may not open this workspace. Throws when the token is no good. */
async function identityFor(request: RawRequest, workspace: WorkspaceId): Promise<Identity | undefined> {
  try {
    const identity = await request.identify(workspace)
    request.countAgainst(identity)
    return identity
  } catch (error) {
    if (error instanceof IdentityError && error.code === 'forbidden') return undefined
    throw error
  }
}

const get = route(
  {
    method: 'GET',
    path: '/v1/workspaces/{workspace}',
    id: 'getWorkspace',
    summary: 'How large a workspace is and who is there',
    params: params.workspace,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description: 'The workspace as of now.',
        schema: z.object({
          name: z.string(),
          lsn: lsnSchema,
          generation: z.string().nullable(),
          blocks: z.int(),
          connections: z.int().meta({ description: 'sockets that are open on it' }),
          bytes: z.int().meta({ description: 'its state as one Yjs update' }),
        }),
      },
    },
    errors: ['unknown_workspace'],
  },
  async ({ params: { workspace } }, { workspaces }) => {
    const body = await workspaces.read(workspace as WorkspaceId, ({ doc, head, generation, connections }) => {
      if (head === 0 && generation === undefined) throw unknownWorkspace(workspace)
      const blocks = listBlocks(doc).length
      const bytes = Y.encodeStateAsUpdate(doc).length
      return { name: workspace, lsn: head, generation: generation ?? null, blocks, connections, bytes }
    })
    return { status: 200, body }
  },
)

export const workspaceRoutes: readonly Route[] = [list, get]
