import { setImmediate as nextTurn } from 'node:timers/promises'
import { originOf, type Past, type WorkspaceId } from '@joinery/server'
import { z } from 'zod'
import { readBlocks } from '../block-view.ts'
import { diffBlocks } from '../history/workspace-diff.ts'
import {
  blockId,
  blockSchema,
  differencesOf,
  forLists,
  limitQuery,
  lsnQuery,
  lsnSchema,
  params,
  pointQuery,
  recordSchema,
  timeQuery,
} from '../schemas.ts'
import { pointOf } from './block-routes.ts'
import { anyHeaders, noBody, type Route, route } from './route.ts'

const W = '/v1/workspaces/{workspace}'
const side = z.unknown().nullable()
const texts = z.object({ before: z.string(), after: z.string() })
const editSchema = z.object({ index: z.int().min(0), remove: z.int().min(0), insert: z.string() }).meta({
  description: 'at `index` of the text before, `remove` UTF-16 code units are removed and `insert` is inserted',
})
const values = z.array(z.object({ key: z.string(), before: side, after: side }))
const differenceSchema = forLists((lists) =>
  z.object({
    from: lsnSchema,
    to: lsnSchema,
    added: z.array(blockSchema(lists)),
    removed: z.array(blockSchema(lists)),
    changed: z.array(
      z.object({
        id: z.string(),
        type: texts.optional(),
        content: texts.extend({ edits: z.array(editSchema) }).optional(),
        ...differencesOf(lists),
        data: values,
      }),
    ),
  }),
)

const history = route(
  {
    method: 'GET',
    path: `${W}/history`,
    id: 'listRecords',
    summary: 'Records: who wrote, when, and which blocks; oldest first',
    params: params.workspace,
    query: z.strictObject({
      block: blockId.optional(),
      actor: z.string().optional(),
      source: z.string().optional(),
      from: timeQuery.optional(),
      to: timeQuery.optional(),
      after: lsnQuery.optional(),
      limit: limitQuery,
    }),
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description: 'One page, which may be empty. `next` is the `after` of the next page, null on the last.',
        schema: z.object({ records: z.array(recordSchema), next: lsnSchema.nullable() }),
      },
    },
    errors: ['unknown_workspace'],
  },
  async ({ params: { workspace }, query }, services) => {
    const { from, to, limit, ...rest } = query
    const id = workspace as WorkspaceId
    const fromMs = from === undefined ? undefined : Date.parse(from)
    const toMs = to === undefined ? undefined : Date.parse(to)
    const page = await services.history.records(id, { ...rest, fromMs, toMs }, limit)
    const records = page.records.map(({ update, ...record }) => {
      const { connection, mayBeOthers } = originOf(record)
      return { ...record, connection, mayBeOthers, bytes: update.length }
    })
    return { status: 200, body: { records, next: page.next ?? null } }
  },
)

const diff = route(
  {
    method: 'GET',
    path: `${W}/diff`,
    id: 'diffWorkspace',
    summary: 'Differences between two points of the past',
    params: params.workspace,
    query: z.strictObject({ from: pointQuery, to: pointQuery }),
    headers: anyHeaders,
    body: noBody,
    answers: { 200: { description: 'The differences, block by block.', schema: differenceSchema } },
    errors: ['unknown_workspace', 'unknown_lsn', 'history_dropped', 'busy'],
  },
  async ({ params: { workspace }, query }, services) => {
    const id = workspace as WorkspaceId
    const { lists } = services
    const sideOf = ({ doc, stamps, lsn }: Past) => ({ lsn, blocks: readBlocks(doc, stamps, lists) })
    const from = await services.history.read(id, pointOf(query.from), sideOf)
    // The reading above may need no turn of the event loop: other work has one here.
    await nextTurn()
    const to = await services.history.read(id, pointOf(query.to), sideOf)
    await nextTurn()
    return { status: 200, body: { from: from.lsn, to: to.lsn, ...(await diffBlocks(from.blocks, to.blocks, lists)) } }
  },
)

export const historyRoutes: readonly Route[] = [history, diff]
