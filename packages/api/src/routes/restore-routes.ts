import {
  type DocumentContent,
  type DocumentScope,
  planningRestore,
  planRestore,
  type RestorePlan,
  readingDocument,
  restoreDocument,
  type Unrestorable,
} from '@joinery/blocks'
import type { Past, WorkspaceId, WorkspaceView } from '@joinery/server'
import * as Y from 'yjs'
import { z } from 'zod'
import { authorOf } from '../caller.ts'
import { unrestorableSchema } from '../content-schemas.ts'
import type { RequestWork } from '../request-work.ts'
import { lsnSchema, params } from '../schemas.ts'
import { whenDurable } from '../writes/when-durable.ts'
import { assertRestorable, scopeOfRestore, statusesIn, TOLD_MAX, tryingRestore } from '../writes/workspace-restore.ts'
import { lsnHeader, wantsSync, writeHeaders } from '../writes/write-headers.ts'
import { nothing, type Route, route } from './route.ts'
import type { Services } from './services.ts'

const restoreBody = z
  .strictObject({
    lsn: lsnSchema,
    preview: z
      .boolean()
      .default(false)
      .meta({ description: 'true: says what would be restored and what can not be, and changes nothing' }),
    partial: z
      .boolean()
      .default(false)
      .meta({ description: 'true: restores the rest where something can not be restored; otherwise nothing is' }),
  })
  .meta({ examples: [{ lsn: 1 }] })
const answer = z.object({
  lsn: lsnSchema.nullable().meta({ description: 'LSN of the edit; null for a preview' }),
  restored: lsnSchema,
  touched: z.array(z.string()),
  statuses: z.array(z.object({ block: z.string(), list: z.string() })).meta({
    description: 'blocks whose statuses and indexes come back too, as those of new runs, by the name of the list',
  }),
  unrestorable: z.array(unrestorableSchema).meta({
    description: `what does not come back, up to ${TOLD_MAX}; empty unless the request is partial or a preview`,
  }),
})

const restoreRoute = route(
  {
    method: 'POST',
    path: '/v1/workspaces/{workspace}/restore',
    id: 'restoreWorkspace',
    summary: 'Restore blocks, edges, statuses and all other content as they were at an LSN, by a new edit',
    params: params.workspace,
    query: nothing,
    headers: writeHeaders,
    body: restoreBody,
    answers: {
      200: {
        description: 'Restored, or previewed. `touched` lists the paths that the edit changed, or would change.',
        schema: answer,
        headers: ['x-joinery-lsn'],
      },
    },
    errors: [
      'unknown_workspace',
      'unknown_lsn',
      'history_dropped',
      'foreign_shape',
      'not_restorable',
      'busy',
      'key_reused',
      'durability_unavailable',
    ],
  },
  async ({ params: { workspace }, headers, body, identity, work }, services) => {
    const { lsn, preview, partial } = body
    const id = workspace as WorkspaceId
    const { lists } = services
    const author = authorOf(identity)
    const sync = wantsSync(headers, services.durability)
    const past = await contentAt(id, lsn, work, services)
    const { head } = await services.workspaces.position(id)
    const trial = await services.history.readInTurns(id, { lsn: head }, work, (now) =>
      tryingRestore(now, past, author, lists),
    )
    if (preview) {
      const { touched, unrestorable } = trial
      const statuses = statusesIn(touched, lists)
      return { status: 200, body: { lsn: null, restored: lsn, touched, statuses, unrestorable: told(unrestorable) } }
    }
    const touched: string[] = []
    const lost: Unrestorable[] = []
    const edit = async (key: string | undefined, scopeOf: (view: WorkspaceView) => DocumentScope): Promise<number> => {
      const made: { plan?: RestorePlan } = {}
      const outcome = await services.writes.write({
        workspace: id,
        author,
        work,
        blocks: [],
        key,
        lease: headers['x-joinery-lease'],
        fingerprint: () => `restore${partial ? ' partial' : ''}\n${author.source}\n${lsn}`,
        sync,
        check: (view) => {
          made.plan = planRestore(view.doc, past, lists, scopeOf(view))
          assertRestorable(made.plan, partial)
        },
        run: (doc) =>
          Y.transact(doc, (transaction) => restoreDocument(transaction, made.plan as RestorePlan, author, lists)),
      })
      for (const path of outcome.record?.touched ?? []) touched.push(path)
      // A repeat of the request has no plan: it is made again from the state before the edit, so that the answer is the same.
      const found = made.plan?.unrestorable
      if (partial)
        for (const each of found ?? (await unrestorableBefore(id, outcome.lsn, lsn, work, services))) lost.push(each)
      return outcome.lsn
    }
    const key = headers['idempotency-key']
    const { parts } = trial
    const [last, own] = [parts.pop() as DocumentScope, new Set<number>()]
    // The key is that of the last edit: until that is made, the same request goes on with the rest.
    const { durableWaitMs } = services.limits
    const isRepeat =
      key !== undefined && (await whenDurable(durableWaitMs, services.workspaces.lsnOfKey(id, key))) !== undefined
    if (parts.length > 0 && !isRepeat) assertRestorable(trial, partial)
    for (const part of isRepeat ? [] : parts) {
      own.add(await edit(undefined, () => part))
      await work.pause()
    }
    const madeAt = await edit(key, (view) => scopeOfRestore({ lsn: trial.lsn, scope: last }, view, own))
    return {
      status: 200,
      headers: lsnHeader({ lsn: madeAt }),
      body: { lsn: madeAt, restored: lsn, touched, statuses: statusesIn(touched, lists), unrestorable: told(lost) },
    }
  },
)

function contentAt(
  workspace: WorkspaceId,
  lsn: number,
  work: RequestWork,
  { history, lists }: Services,
): Promise<DocumentContent> {
  return history.readInTurns(workspace, { lsn }, work, ({ doc }) => readingDocument(doc, lists))
}

async function unrestorableBefore(
  workspace: WorkspaceId,
  edit: number,
  restored: number,
  work: RequestWork,
  services: Services,
) {
  const past = await contentAt(workspace, restored, work, services)
  const before = ({ doc }: Past) => planningRestore(doc, past, services.lists)
  return (await services.history.readInTurns(workspace, { lsn: edit - 1 }, work, before)).unrestorable
}

function told<T>(all: readonly T[]): readonly T[] {
  return all.slice(0, TOLD_MAX)
}

export const restoreRoutes: readonly Route[] = [restoreRoute]
