import type { z } from 'zod'
import { indexedSchema, params, reportBody, startRunBody } from '../schemas.ts'
import type { Operation } from '../writes/operation-kinds.ts'
import { blockWriteHeaders, blockWriteQuery, etagOf, preconditionOf } from '../writes/precondition.ts'
import { hasSameAmounts } from '../writes/run-amounts.ts'
import { lsnHeader } from '../writes/write-headers.ts'
import type { WriteOutcome } from '../writes/writes.ts'
import { noBody, type Reply, type Route, route } from './route.ts'
import { RUN_ERRORS, writeOperation } from './write-operations.ts'

const INDEX = '/v1/workspaces/{workspace}/blocks/{block}/indexing/{index}'
const written = ['etag', 'x-joinery-lsn'] as const

const startRun = route(
  {
    method: 'POST',
    path: `${INDEX}/runs`,
    id: 'startRun',
    summary: 'Start a run, which is one attempt at building an index',
    params: params.index,
    query: blockWriteQuery,
    headers: blockWriteHeaders,
    body: startRunBody,
    answers: {
      201: { description: 'The run. Reports name it by `entry.run.id`.', schema: indexedSchema, headers: written },
    },
    errors: [...RUN_ERRORS, 'run_superseded'],
  },
  async (request, services) => {
    const {
      params: { block, index },
      query,
      headers,
      body,
    } = request
    const operation = { op: 'startRun', block, index, ...body, ...preconditionOf(headers, query) } as const
    return indexReply(await writeOperation(operation, `startRun ${block} ${index}`, request, services), operation, 201)
  },
)

const report = route(
  {
    method: 'POST',
    path: `${INDEX}/runs/{run}/reports`,
    id: 'reportRun',
    summary: 'Report on a run. Once another run stands, the report is refused, or with `started` only recorded',
    params: params.run,
    query: blockWriteQuery,
    headers: blockWriteHeaders,
    body: reportBody,
    answers: {
      200: {
        description:
          'Recorded. `shown` is false when another run stands, or another report of this run: `entry` is that one.',
        schema: indexedSchema,
        headers: written,
      },
    },
    errors: [...RUN_ERRORS, 'unknown_index', 'run_superseded'],
  },
  async (request, services) => {
    const {
      params: { block, index, run },
      query,
      headers,
      body,
    } = request
    const operation = { op: 'report', block, index, run, ...body, ...preconditionOf(headers, query) } as const
    const outcome = await writeOperation(operation, `report ${block} ${index} ${run}`, request, services)
    return indexReply(outcome, operation, 200, { ...body, run })
  },
)

const remove = route(
  {
    method: 'DELETE',
    path: INDEX,
    id: 'removeIndex',
    summary: "Remove an index from a block's list",
    params: params.index,
    query: blockWriteQuery,
    headers: blockWriteHeaders,
    body: noBody,
    answers: { 204: { description: 'The index is removed.', headers: ['x-joinery-lsn'] } },
    errors: [...RUN_ERRORS, 'unknown_index'],
  },
  async (request, services) => {
    const {
      params: { block, index },
      query,
      headers,
    } = request
    const operation = { op: 'removeIndex', block, index, ...preconditionOf(headers, query) } as const
    const outcome = await writeOperation(
      operation,
      `removeIndex ${block} ${index}`,
      { ...request, body: null },
      services,
    )
    return { status: 204, headers: lsnHeader(outcome) }
  },
)

function indexReply(
  outcome: WriteOutcome,
  { block: id, index }: Extract<Operation, { index: string }>,
  status: number,
  reported?: z.output<typeof reportBody> & { readonly run: string },
): Reply {
  const block = outcome.blocks.get(id)
  const entry = block?.indexingList.find(({ index_name }) => index_name === index)
  if (block === undefined || entry === undefined)
    throw new Error(`index ${index} of ${id} is missing after it was written`)
  const { record } = outcome
  const isOwn = record === undefined || (entry.actor === record.actor && entry.source === record.source)
  const shown =
    isOwn &&
    (reported === undefined ||
      (entry.run.id === reported.run &&
        entry.status === reported.status &&
        entry.error === reported.error &&
        hasSameAmounts(entry, reported)))
  const headers = { ...lsnHeader(outcome), etag: etagOf(block) }
  return { status, headers, body: { entry, version: block.version, shown } }
}

export const indexingRoutes: readonly Route[] = [startRun, report, remove]
