import { edgesAfter, edgesMap, removeEdge } from '@joinery/blocks'
import type { Identity, WorkspaceId } from '@joinery/server'
import { z } from 'zod'
import { authorOf } from '../caller.ts'
import { edgePath, readEdge, viewEdge } from '../edge-view.ts'
import { assertKnown } from '../known-workspace.ts'
import type { RequestWork } from '../request-work.ts'
import { edgeId, edgeSchema, limitQuery, params, putEdgeBody } from '../schemas.ts'
import { checkEdgePrecondition, runEdgeOperation, unknownEdge } from '../writes/edge-operation.ts'
import { blockWriteHeaders, blockWriteQuery, etagOf, isKnownToCaller, preconditionOf } from '../writes/precondition.ts'
import { lsnHeader, wantsSync, type writeHeaders } from '../writes/write-headers.ts'
import type { WriteOutcome, WriteRequest } from '../writes/writes.ts'
import { atQuery, pageOf, readHeaders, stateAt } from './reads.ts'
import { anyHeaders, noBody, type Reply, type Route, route } from './route.ts'
import type { Services } from './services.ts'

const EDGES = '/v1/workspaces/{workspace}/edges'
const EDGE = `${EDGES}/{edge}`
const written = ['etag', 'x-joinery-lsn'] as const

const list = route(
  {
    method: 'GET',
    path: EDGES,
    id: 'listEdges',
    summary: 'Edges in the order of their ids, now or in the past',
    params: params.workspace,
    query: atQuery.extend({ limit: limitQuery, after: edgeId.optional() }),
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description:
          'One page, shorter where edges are large. `next` is the `after` of the next page, null on the last.',
        schema: z.object({ edges: z.array(edgeSchema), lsn: z.int(), next: z.string().nullable() }),
      },
    },
    errors: ['unknown_workspace', 'unknown_lsn', 'history_dropped', 'busy'],
  },
  async ({ params: { workspace }, query: { at, limit, after = '' }, work }, services) => {
    const body = await stateAt(services, { workspace, at, work }, (doc, stamps, lsn) => {
      const rest = edgesAfter(doc, { after, count: limit + 1 })
      const page = pageOf(rest, limit, (edge) => viewEdge(edge, stamps.of(edgePath(edge.id))))
      return { edges: page.views, lsn, next: page.next }
    })
    return { status: 200, body }
  },
)

const get = route(
  {
    method: 'GET',
    path: EDGE,
    id: 'getEdge',
    summary: 'One edge, now or in the past',
    params: params.edge,
    query: atQuery,
    headers: readHeaders,
    body: noBody,
    answers: {
      200: { description: 'The edge.', schema: edgeSchema, headers: ['etag'] },
      304: { description: 'The caller has this version.', headers: ['etag'] },
    },
    errors: ['unknown_workspace', 'unknown_edge', 'unknown_lsn', 'history_dropped', 'busy'],
  },
  async ({ params: { workspace, edge: id }, query: { at }, headers, work }, services) => {
    const edge = await stateAt(services, { workspace, at, work }, (doc, stamps) => readEdge(doc, stamps, id))
    if (edge === undefined) throw unknownEdge(id)
    const etag = etagOf(edge)
    if (isKnownToCaller(headers['if-none-match'], edge)) return { status: 304, headers: { etag } }
    return { status: 200, headers: { etag }, body: edge }
  },
)

const put = route(
  {
    method: 'PUT',
    path: EDGE,
    id: 'putEdge',
    summary: 'Create an edge, or replace it as a whole. Its blocks need not exist yet',
    params: params.edge,
    query: blockWriteQuery,
    headers: blockWriteHeaders,
    body: putEdgeBody,
    answers: { 200: { description: 'The edge as of this write.', schema: edgeSchema, headers: written } },
    errors: ['unknown_workspace', 'edge_exists', 'version_conflict', 'key_reused', 'durability_unavailable'],
  },
  async ({ params: { workspace, edge: id }, query, headers, body, identity, work }, services) => {
    const outcome = await writeEdge(
      { workspace, identity, work, headers, id, fingerprint: `putEdge ${id}\n${JSON.stringify(body)}` },
      services,
      {
        check: (view) => {
          assertKnown(workspace, view)
          checkEdgePrecondition(view, id, preconditionOf(headers, query))
        },
        run: (doc) => runEdgeOperation(doc, { op: 'putEdge', edge: id, ...body }),
      },
    )
    return edgeReply(outcome, id)
  },
)

const remove = route(
  {
    method: 'DELETE',
    path: EDGE,
    id: 'deleteEdge',
    summary: 'Delete an edge',
    params: params.edge,
    query: blockWriteQuery,
    headers: blockWriteHeaders,
    body: noBody,
    answers: { 204: { description: 'The edge is deleted.', headers: ['x-joinery-lsn'] } },
    errors: [
      'unknown_workspace',
      'unknown_edge',
      'edge_exists',
      'version_conflict',
      'key_reused',
      'durability_unavailable',
    ],
  },
  async ({ params: { workspace, edge: id }, query, headers, identity, work }, services) => {
    const outcome = await writeEdge(
      { workspace, identity, work, headers, id, fingerprint: `deleteEdge ${id}` },
      services,
      {
        check: (view) => {
          assertKnown(workspace, view)
          if (!edgesMap(view.doc).has(id)) throw unknownEdge(id)
          checkEdgePrecondition(view, id, preconditionOf(headers, query))
        },
        run: (doc) => removeEdge(doc, id),
      },
    )
    return { status: 204, headers: lsnHeader(outcome) }
  },
)

interface EdgeWrite {
  readonly workspace: string
  readonly identity: Identity
  readonly work: RequestWork
  readonly headers: z.output<typeof writeHeaders>
  readonly id: string
  readonly fingerprint: string
}

function writeEdge(
  { workspace, identity, work, headers, id, fingerprint }: EdgeWrite,
  { writes, durability }: Services,
  edit: Pick<WriteRequest, 'check' | 'run'>,
): Promise<WriteOutcome> {
  const author = authorOf(identity)
  return writes.write({
    workspace: workspace as WorkspaceId,
    author,
    work,
    blocks: [],
    about: { blocks: [], edges: [id] },
    edges: [id],
    key: headers['idempotency-key'],
    lease: headers['x-joinery-lease'],
    fingerprint: () => `${fingerprint}\n${author.source}`,
    sync: wantsSync(headers, durability),
    ...edit,
  })
}

function edgeReply(outcome: WriteOutcome, id: string): Reply {
  const edge = outcome.edges.get(id)
  if (edge === undefined) throw new Error(`edge ${id} is missing after it was written`)
  return { status: 200, headers: { ...lsnHeader(outcome), etag: etagOf(edge) }, body: edge }
}

export const edgeRoutes: readonly Route[] = [list, get, put, remove]
