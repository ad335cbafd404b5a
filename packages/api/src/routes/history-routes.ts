import { type ClaimList, type DocumentContent, type LongWork, listBlocks, readingDocument } from '@joinery/blocks'
import { type LogRecord, type Lsn, originOf, type Past, type WorkspaceId } from '@joinery/server'
import { z } from 'zod'
import { type BlockView, blockJson, viewBlock } from '../block-view.ts'
import { changesSchema } from '../content-schemas.ts'
import { type ChangeEvent, ChangeReader } from '../feed/change-event.ts'
import { inTurns, pacedFor } from '../history/paced.ts'
import { deedsOf, readingClients } from '../history/record-deeds.ts'
import { type DiffSide, diffWorkspaces } from '../history/workspace-diff.ts'
import type { RequestWork } from '../request-work.ts'
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
import { pointOf } from './reads.ts'
import { anyHeaders, noBody, type Route, route } from './route.ts'
import type { Services } from './services.ts'

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
        ...changesSchema,
      }),
    ),
    ...changesSchema,
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
      as: z.enum(['changes', 'clients']).optional().meta({
        description:
          '`changes` adds to each record what it changed inside contents, data, edges and other roots; `clients` adds the Yjs client ids under which it wrote',
      }),
    }),
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description: 'One page, which may be empty. `next` is the `after` of the next page, null on the last.',
        schema: z.object({
          records: z.array(
            recordSchema.extend({ ...z.object(changesSchema).partial().shape, clients: z.array(z.int()).optional() }),
          ),
          next: lsnSchema.nullable(),
        }),
      },
    },
    errors: ['unknown_workspace', 'history_dropped', 'busy'],
  },
  async ({ params: { workspace }, query, work }, services) => {
    const { from, to, limit, as, ...rest } = query
    const id = workspace as WorkspaceId
    const fromMs = from === undefined ? undefined : Date.parse(from)
    const toMs = to === undefined ? undefined : Date.parse(to)
    const page = await services.history.records(id, { ...rest, fromMs, toMs }, limit, work)
    const told = as === 'changes' ? await changesOf(id, page.records, work, services) : undefined
    const clients = as === 'clients' ? await inTurns(readingClients(page.records), work) : undefined
    const views = await inTurns(viewingRecords(page.records), work)
    const records = views.map((view) => ({ ...view, ...told?.get(view.lsn), clients: clients?.get(view.lsn) }))
    return { status: 200, body: { records, next: page.next ?? null } }
  },
)

/** The steps to the views of records, one for each: to read the updates of a whole page takes longer than a turn. */
export function* viewingRecords(records: readonly LogRecord[]) {
  const views = []
  for (const record of records) {
    const { update, ...view } = record
    const { connection, mayBeOthers } = originOf(record)
    views.push({ ...view, connection, mayBeOthers, ...deedsOf(record), bytes: update.length })
    yield
  }
  return views
}

type ToldChanges = Pick<ChangeEvent, 'changes' | 'changesOmitted'>

/** The changes of each record. The workspace is replayed from the state before the first of them. */
async function changesOf(
  workspace: WorkspaceId,
  records: readonly LogRecord[],
  work: RequestWork,
  { history, workspaces, lists }: Services,
): Promise<Map<number, ToldChanges>> {
  const told = new Map<number, ToldChanges>()
  const [first, last] = [records[0], records.at(-1)]
  if (first === undefined || last === undefined) return told
  const wanted = new Set(records.map(({ lsn }) => lsn))
  const range = { after: (first.lsn - 1) as Lsn, through: last.lsn }
  return history.during(workspace, { lsn: range.after }, work, async (past, pace) => {
    const reader = new ChangeReader(past, lists)
    for await (const record of pacedFor(workspaces.records(workspace, range), pace)) {
      const { changes, changesOmitted } = reader.take(record)
      if (wanted.has(record.lsn)) told.set(record.lsn, { changes, changesOmitted })
    }
    return told
  })
}

const diff = route(
  {
    method: 'GET',
    path: `${W}/diff`,
    id: 'diffWorkspace',
    summary: 'Differences between two points of the past, of blocks and of all other roots',
    params: params.workspace,
    query: z.strictObject({ from: pointQuery, to: pointQuery }),
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description: 'The differences, block by block, and the changes of edges and other roots.',
        schema: differenceSchema,
      },
    },
    errors: ['unknown_workspace', 'unknown_lsn', 'history_dropped', 'busy'],
  },
  async ({ params: { workspace }, query, work }, services) => {
    const id = workspace as WorkspaceId
    const { lists } = services
    const from = await services.history.readInTurns(id, pointOf(query.from), work, (past) => readingSide(past, lists))
    const { reader } = from.content
    const to = await services.history.readInTurns(id, pointOf(query.to), work, (past) =>
      readingSide(past, lists, reader),
    )
    return { status: 200, body: { from: from.lsn, to: to.lsn, ...(await diffWorkspaces(from, to, lists, work)) } }
  },
)

/** The steps to one side of a diff. */
function* readingSide(
  { doc, stamps, lsn }: Past,
  lists: readonly ClaimList[],
  reader?: DocumentContent['reader'],
): LongWork<DiffSide & { readonly lsn: number }> {
  const content = yield* readingDocument(doc, lists, reader)
  const blocks: BlockView[] = []
  for (const block of listBlocks(doc)) {
    blocks.push(viewBlock(blockJson(block, lists), stamps.of(block.id)))
    yield
  }
  return { lsn, blocks, content }
}

export const historyRoutes: readonly Route[] = [history, diff]
