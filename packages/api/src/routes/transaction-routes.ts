import { z } from 'zod'
import { operationSchema } from '../operation-schemas.ts'
import { blockSchema, edgeSchema, forLists, params } from '../schemas.ts'
import { assertFew } from '../writes/operation-bounds.ts'
import { isEdgeOperation, type Operation } from '../writes/operation-kinds.ts'
import { lsnHeader, writeHeaders } from '../writes/write-headers.ts'
import { nothing, type Route, route } from './route.ts'
import { writeOperations } from './write-operations.ts'

const transactionBody = z.strictObject({ operations: z.array(operationSchema).min(1) }).meta({
  examples: [
    {
      operations: [
        { op: 'put', block: 'next', type: 'text', content: 'More.', onlyIfAbsent: true },
        { op: 'patch', block: 'intro', fields: { next: 'next' } },
      ],
    },
  ],
})
const transactionAnswer = forLists((lists) =>
  z.object({
    lsn: z.int(),
    blocks: z
      .record(z.string(), blockSchema(lists).nullable())
      .meta({ description: 'each named block as it is after all operations; null for a deleted one' }),
    edges: z
      .record(z.string(), edgeSchema.nullable())
      .meta({ description: 'each named edge as it is after all operations; null for a deleted one' }),
  }),
)

const transact = route(
  {
    method: 'POST',
    path: '/v1/workspaces/{workspace}/transactions',
    id: 'transact',
    summary: 'Make several operations on several blocks and edges, all or none, under one LSN',
    params: params.workspace,
    query: nothing,
    headers: writeHeaders,
    body: transactionBody,
    assertSize: assertFew,
    answers: {
      200: { description: 'All operations were made.', schema: transactionAnswer, headers: ['x-joinery-lsn'] },
    },
    errors: [
      'unknown_workspace',
      'unknown_block',
      'unknown_index',
      'unknown_machine',
      'unknown_status',
      'unknown_edge',
      'edge_exists',
      'block_exists',
      'version_conflict',
      'run_superseded',
      'foreign_shape',
      'type_required',
      'key_reused',
      'durability_unavailable',
    ],
  },
  async ({ params: { workspace }, headers, body, identity, work }, services) => {
    const operations: readonly Operation[] = body.operations
    const outcome = await writeOperations(
      { workspace, identity, work, headers, operations, body, what: 'transaction' },
      services,
    )
    const named = (isEdge: boolean): string[] =>
      operations.flatMap((operation) =>
        isEdgeOperation(operation) ? (isEdge ? [operation.edge] : []) : isEdge ? [] : [operation.block],
      )
    const blocks = Object.fromEntries(named(false).map((id) => [id, outcome.blocks.get(id) ?? null]))
    const edges = Object.fromEntries(named(true).map((id) => [id, outcome.edges.get(id) ?? null]))
    return { status: 200, headers: lsnHeader(outcome), body: { lsn: outcome.lsn, blocks, edges } }
  },
)

export const transactionRoutes: readonly Route[] = [transact]
