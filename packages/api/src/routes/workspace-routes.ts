import { countBlocks } from '@joinery/blocks'
import { type Identity, LogError, ServerError, type WorkspaceId, type Workspaces } from '@joinery/server'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { authorOf } from '../caller.ts'
import { pacedFor } from '../history/paced.ts'
import { assertKnown, unknownWorkspace } from '../known-workspace.ts'
import { limitQuery, lsnSchema, params, workspaceName } from '../schemas.ts'
import { leaseBesideWork } from '../writes/work-fence.ts'
import { leaseHeaders } from '../writes/write-headers.ts'
import { anyHeaders, noBody, nothing, type Route, route } from './route.ts'
import { currentUpdate } from './whole-update.ts'

const list = route(
  {
    method: 'GET',
    path: '/v1/workspaces',
    id: 'listWorkspaces',
    summary: 'Names of the workspaces that the caller may open',
    params: nothing,
    query: z.strictObject({
      limit: limitQuery,
      after: workspaceName.optional(),
      deleted: z
        .enum(['true', 'false'])
        .default('false')
        .meta({ description: 'list the deleted workspaces that can be restored instead' }),
    }),
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description: 'One page in byte order. `next` is the `after` of the next page, null on the last.',
        schema: z.object({ workspaces: z.array(z.string()), next: z.string().nullable() }),
      },
    },
    errors: [],
  },
  async ({ query: { limit, after = '', deleted }, identity, work }, { workspaces }) => {
    const all = deleted === 'true' ? workspaces.deleted() : workspaces.names()
    const { names, isLast } = await allowedNames(pacedFor(all, work), identity, after, limit)
    return { status: 200, body: { workspaces: names, next: isLast ? null : names.at(-1) } }
  },
)

async function allowedNames(all: AsyncIterable<string>, { allows }: Identity, after: string, limit: number) {
  const names: string[] = []
  for await (const name of all) {
    if (name <= after) continue
    if (!allows(name as WorkspaceId)) continue
    if (names.length === limit) return { names, isLast: false }
    names.push(name)
  }
  return { names, isLast: true }
}

const get = route(
  {
    method: 'GET',
    path: '/v1/workspaces/{workspace}',
    id: 'getWorkspace',
    summary: 'Position, size and connections of a workspace',
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
          connections: z.int().meta({ description: 'number of open sockets' }),
          size: z.int().meta({ description: 'bytes of its state, as one Yjs update' }),
        }),
      },
    },
    errors: ['unknown_workspace'],
  },
  async ({ params: { workspace }, work }, { workspaces }) => {
    const body = await currentUpdate(workspaces, {
      workspace: workspace as WorkspaceId,
      since: undefined,
      work,
      found: ({ doc, head, generation, connections }, { length: size }) => {
        const blocks = work.part(() => countBlocks(doc))
        return { name: workspace, lsn: head, generation: generation ?? null, blocks, connections, size }
      },
    })
    return { status: 200, body }
  },
)

const remove = route(
  {
    method: 'DELETE',
    path: '/v1/workspaces/{workspace}',
    id: 'deleteWorkspace',
    summary: 'Delete a workspace: nobody can open it, and its bytes stay until it is purged',
    params: params.workspace,
    query: nothing,
    headers: leaseHeaders,
    body: noBody,
    answers: { 204: { description: 'The workspace is deleted, and its connections are ended.' } },
    errors: ['unknown_workspace', 'read_only'],
  },
  async ({ params: { workspace }, headers, identity }, { workspaces, tasks }) => {
    authorOf(identity)
    const lease = leaseBesideWork(tasks, workspace as WorkspaceId, headers['x-joinery-lease'])
    await orUnknown(workspace, workspaces.delete(workspace as WorkspaceId, { lease }))
    return { status: 204 }
  },
)

const undelete = route(
  {
    method: 'POST',
    path: '/v1/workspaces/{workspace}/undelete',
    id: 'undeleteWorkspace',
    summary: 'Restore a deleted workspace',
    params: params.workspace,
    query: nothing,
    headers: leaseHeaders,
    body: noBody,
    answers: {
      204: { description: 'The workspace is as it was before its deletion. One that was not deleted stays as it is.' },
    },
    errors: ['unknown_workspace', 'read_only'],
  },
  async ({ params: { workspace }, headers, identity }, { workspaces, tasks }) => {
    authorOf(identity)
    const lease = leaseBesideWork(tasks, workspace as WorkspaceId, headers['x-joinery-lease'])
    // A deleted workspace has no leases.
    await workspaces.leases.assertStands(workspace as WorkspaceId, lease)
    await orUnknown(workspace, workspaces.undelete(workspace as WorkspaceId))
    return { status: 204 }
  },
)

const purge = route(
  {
    method: 'POST',
    path: '/v1/workspaces/{workspace}/purge',
    id: 'purgeWorkspace',
    summary: 'Remove a deleted workspace for good; only with the source user_action',
    params: params.workspace,
    query: nothing,
    headers: leaseHeaders,
    body: noBody,
    answers: { 204: { description: 'The workspace is removed, and its name is free.' } },
    errors: ['unknown_workspace', 'not_deleted', 'read_only', 'store_unavailable', 'store_refused'],
  },
  async ({ params: { workspace }, headers, identity }, { workspaces, tasks }) => {
    // A purge can't be undone: no job may make one by mistake.
    if (authorOf(identity).source !== 'user_action') {
      throw new ApiError(
        'forbidden',
        'only the source user_action may purge a workspace: send X-Joinery-Source: user_action, with a token that allows it',
      )
    }
    const lease = leaseBesideWork(tasks, workspace as WorkspaceId, headers['x-joinery-lease'])
    await workspaces.leases.assertStands(workspace as WorkspaceId, lease)
    await assertDeleted(workspaces, workspace as WorkspaceId)
    await workspaces.purge(workspace as WorkspaceId).catch((error: unknown) => {
      // Another node may have undeleted or purged it since.
      throw error instanceof LogError && error.code === 'invalid' ? notDeleted(workspace, error) : error
    })
    return { status: 204 }
  },
)

/** Throws `unknown_workspace`, or `not_deleted` for a workspace that is not deleted. */
async function assertDeleted(workspaces: Workspaces, workspace: WorkspaceId): Promise<void> {
  const position = await workspaces.position(workspace).catch((error: unknown) => {
    if (error instanceof ServerError && error.code === 'workspace_deleted') return undefined
    throw error
  })
  if (position === undefined) return
  assertKnown(workspace, position)
  throw notDeleted(workspace)
}

function notDeleted(workspace: string, cause?: Error): ApiError {
  return new ApiError('not_deleted', `workspace "${workspace}" is not deleted: DELETE it first`, { cause })
}

/** True for the error of the log for a name under which nothing is stored. */
async function orUnknown(workspace: string, done: Promise<void>): Promise<void> {
  try {
    await done
  } catch (error) {
    throw error instanceof LogError && error.code === 'invalid' ? unknownWorkspace(workspace) : error
  }
}

export const workspaceRoutes: readonly Route[] = [list, get, remove, undelete, purge]
