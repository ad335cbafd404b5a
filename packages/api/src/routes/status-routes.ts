import { getBlock, isSameJson, type Json, type MachineClaim, shownStatus } from '@joinery/blocks'
import type { LogRecord, Lsn, WorkspaceId } from '@joinery/server'
import type * as Y from 'yjs'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { ChangeReader } from '../feed/change-event.ts'
import { pacedFor } from '../history/paced.ts'
import type { RequestWork } from '../request-work.ts'
import { limitQuery, lsnQuery, params } from '../schemas.ts'
import { reportStatusBody, startStatusBody, statusAnswer, statusEvents, statusView } from '../status-schemas.ts'
import type { StatusOperation } from '../writes/operation-kinds.ts'
import { blockWriteHeaders, blockWriteQuery, etagOf, preconditionOf } from '../writes/precondition.ts'
import { hasMachine, statusesOf, toldOf } from '../writes/status-operation.ts'
import { lsnHeader } from '../writes/write-headers.ts'
import type { WriteOutcome } from '../writes/writes.ts'
import { atQuery, stateAt } from './reads.ts'
import { anyHeaders, noBody, type Reply, type Route, route } from './route.ts'
import type { Services } from './services.ts'
import { RUN_ERRORS, writeOperation } from './write-operations.ts'

const STATUS = '/v1/workspaces/{workspace}/blocks/{block}/statuses/{machine}/{name}'
const written = ['etag', 'x-joinery-lsn'] as const
const errors = [...RUN_ERRORS, 'unknown_machine'] as const

const get = route(
  {
    method: 'GET',
    path: STATUS,
    id: 'getStatus',
    summary: 'The status of one resource, now or in the past',
    params: params.status,
    query: atQuery,
    headers: anyHeaders,
    body: noBody,
    answers: { 200: { description: 'The entry that shows.', schema: statusView, headers: ['etag'] } },
    errors: [
      'unknown_workspace',
      'unknown_block',
      'unknown_machine',
      'unknown_status',
      'unknown_lsn',
      'history_dropped',
      'busy',
    ],
  },
  async ({ params: { workspace, block: id, machine: kind, name }, query: { at }, work }, services) => {
    const body = await stateAt(services, { workspace, at, work }, (doc, stamps) => {
      const entry = entryIn(doc, { block: id, machine: kind, name }, services.lists)
      return { entry, version: stamps.of(id)?.lsn ?? 0, status: shownStatus(entry) }
    })
    return { status: 200, headers: { etag: etagOf(body) }, body }
  },
)

const start = route(
  {
    method: 'POST',
    path: `${STATUS}/runs`,
    id: 'startStatus',
    summary: 'Start a run of a resource: its first, or one more attempt',
    params: params.status,
    query: blockWriteQuery,
    headers: blockWriteHeaders,
    body: startStatusBody,
    answers: {
      201: { description: 'The run. Reports name it by `entry.run.id`.', schema: statusAnswer, headers: written },
    },
    errors: [...errors, 'run_superseded'],
  },
  async (request, services) => {
    const {
      params: { block, machine, name },
      query,
      headers,
      body,
    } = request
    if (name === '.' || name === '..')
      throw new ApiError('invalid', `"${name}" is no name that a URL can have: choose another`)
    const operation = { op: 'startStatus', block, machine, name, ...body, ...preconditionOf(headers, query) } as const
    const what = `startStatus ${block} ${machine} ${name}`
    return statusReply(await writeOperation(operation, what, request, services), operation, 201)
  },
)

const report = route(
  {
    method: 'POST',
    path: `${STATUS}/runs/{run}/reports`,
    id: 'reportStatus',
    summary: 'Report on a run. Once another run stands, the report is refused, or with `started` only recorded',
    params: params.statusRun,
    query: blockWriteQuery,
    headers: blockWriteHeaders,
    body: reportStatusBody,
    answers: {
      200: {
        description:
          'Recorded. `shown` is false when another run stands, or another report of this run: `entry` is that one.',
        schema: statusAnswer,
        headers: written,
      },
    },
    errors: [...errors, 'unknown_status', 'run_superseded'],
  },
  async (request, services) => {
    const {
      params: { block, machine, name, run },
      query,
      headers,
      body,
    } = request
    const target = { op: 'reportStatus', block, machine, name, run } as const
    const operation = { ...target, ...body, ...preconditionOf(headers, query) } as const
    const what = `reportStatus ${block} ${machine} ${name} ${run}`
    return statusReply(await writeOperation(operation, what, request, services), operation, 200)
  },
)

const remove = route(
  {
    method: 'DELETE',
    path: STATUS,
    id: 'removeStatus',
    summary: 'Remove the status of a resource from a block',
    params: params.status,
    query: blockWriteQuery,
    headers: blockWriteHeaders,
    body: noBody,
    answers: { 204: { description: 'The status is removed.', headers: ['x-joinery-lsn'] } },
    errors: [...errors, 'unknown_status'],
  },
  async (request, services) => {
    const {
      params: { block, machine, name },
      query,
      headers,
    } = request
    const operation = { op: 'removeStatus', block, machine, name, ...preconditionOf(headers, query) } as const
    const what = `removeStatus ${block} ${machine} ${name}`
    return {
      status: 204,
      headers: lsnHeader(await writeOperation(operation, what, { ...request, body: null }, services)),
    }
  },
)

const events = route(
  {
    method: 'GET',
    path: `${STATUS}/events`,
    id: 'listStatusEvents',
    summary: 'Every change of what a resource showed: who, when, before and after; oldest first',
    params: params.status,
    query: z.strictObject({ after: lsnQuery.optional(), limit: limitQuery }),
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description: 'One page, which may be empty. `next` is the `after` of the next page, null on the last.',
        schema: statusEvents,
      },
    },
    errors: ['unknown_workspace', 'unknown_block', 'unknown_machine', 'unknown_status', 'history_dropped', 'busy'],
  },
  async ({ params: { workspace, block, machine, name }, query: { after, limit }, work }, services) => {
    const id = workspace as WorkspaceId
    const page = await services.history.records(id, { block, after }, limit, work)
    const isMachine = hasMachine(machine, services.lists)
    const key = `${machine}/${name}`
    const told = isMachine ? await eventsOf(id, page.records, { block, key }, work, services) : []
    // All kept records were read, and none tells of the resource: it shows since before them, or there is none.
    if (!isMachine || (after === undefined && told.length === 0 && page.next === undefined))
      await stateAt(services, { workspace, at: undefined, work }, (doc) =>
        entryIn(doc, { block, machine, name }, services.lists),
      )
    return { status: 200, body: { events: told, next: page.next ?? null } }
  },
)

/** The entry of a resource that shows. Throws `unknown_machine`, `unknown_block` or `unknown_status` where there is none. */
export function entryIn(
  doc: Y.Doc,
  { block: id, machine: kind, name }: { readonly block: string; readonly machine: string; readonly name: string },
  lists: Services['lists'],
): MachineClaim {
  const block = getBlock(doc, id)
  if (block === undefined) throw new ApiError('unknown_block', `there is no block "${id}"`)
  const { statuses, machine } = statusesOf(block, kind, lists)
  const entry = statuses.of(machine).get(name)
  if (entry === undefined) throw new ApiError('unknown_status', `block "${id}" has no ${kind} "${name}"`)
  return entry
}

interface Resource {
  readonly block: string
  /** Machine and name, as events of a list name it. */
  readonly key: string
}

/** The changes of one resource by these records. The workspace is replayed from the state before the first of them. */
async function eventsOf(
  workspace: WorkspaceId,
  records: readonly LogRecord[],
  { block, key }: Resource,
  work: RequestWork,
  { history, workspaces, lists }: Services,
): Promise<object[]> {
  const [first, last] = [records[0], records.at(-1)]
  if (first === undefined || last === undefined) return []
  const range = { after: (first.lsn - 1) as Lsn, through: last.lsn }
  return history.during(workspace, { lsn: range.after }, work, async (past, pace) => {
    const told: object[] = []
    const shownIn = (): MachineClaim | undefined =>
      (getBlock(past.doc, block)?.toJSONWith(lists).statuses ?? []).find(
        (entry) => `${entry.machine}/${entry.name}` === key,
      )
    let shown = shownIn()
    const reader = new ChangeReader(past, lists)
    for await (const record of pacedFor(workspaces.records(workspace, range), pace)) {
      const { lsn, at, actor, source, blocks } = reader.take(record)
      if (!blocks.some(({ id }) => id === block)) continue
      const after = shownIn()
      if (after !== shown) told.push({ lsn, at, actor, source, before: shown ?? null, after: after ?? null })
      shown = after
    }
    return told
  })
}

function statusReply(
  outcome: WriteOutcome,
  operation: Exclude<StatusOperation, { op: 'removeStatus' }>,
  status: number,
): Reply {
  const { block: id, machine, name } = operation
  const block = outcome.blocks.get(id)
  const entry = block?.statuses.find((each) => each.machine === machine && each.name === name)
  if (block === undefined || entry === undefined)
    throw new Error(`${machine} ${name} of ${id} is missing after it was written`)
  const { record } = outcome
  const isOwn = record === undefined || (entry.actor === record.actor && entry.source === record.source)
  const isSame = operation.op === 'startStatus' || (entry.run.id === operation.run && entry.status === operation.status)
  const said = Object.entries(toldOf(operation)).every(([property, value]) => isSameJson(read(entry, property), value))
  const headers = { ...lsnHeader(outcome), etag: etagOf(block) }
  return { status, headers, body: { entry, version: block.version, shown: isOwn && isSame && said } }
}

function read(entry: MachineClaim, property: string): Json | undefined {
  return (entry as unknown as Readonly<Record<string, Json>>)[property]
}

export const statusRoutes: readonly Route[] = [get, start, report, remove, events]
