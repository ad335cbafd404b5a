import { createHash } from 'node:crypto'
import { isWholeStateVector, type WorkspaceId } from '@joinery/server'
import { z } from 'zod'
import { authorOf } from '../caller.ts'
import { lsnSchema, params } from '../schemas.ts'
import { sendBytes, UPDATE_TYPE } from '../update-bytes.ts'
import {
  assertPrecondition,
  blockWriteHeaders,
  blockWriteQuery,
  etagOf,
  isKnownToCaller,
  preconditionOf,
} from '../writes/precondition.ts'
import { lsnHeader, wantsSync } from '../writes/write-headers.ts'
import { atQuery, readHeaders } from './reads.ts'
import { noBody, type Route, route, updateBody } from './route.ts'
import { wholeUpdate } from './whole-update.ts'

const UPDATE = '/v1/workspaces/{workspace}/update'
const headers = ['etag', 'x-joinery-lsn'] as const

const stateVector = z
  .string()
  .regex(/^[A-Za-z0-9_+/-]+={0,2}$/, 'is not base64url')
  .transform((text) => new Uint8Array(Buffer.from(text, 'base64url')))
  .refine(isWholeStateVector, 'is not a Yjs state vector, base64url: send Y.encodeStateVector(doc)')

const get = route(
  {
    method: 'GET',
    path: UPDATE,
    id: 'getUpdate',
    summary: 'The whole document as one Yjs V1 update, with every root type, now or in the past',
    params: params.workspace,
    query: atQuery.extend({
      since: stateVector.optional().meta({
        description: 'a Yjs state vector, base64url, of about 12 kB at most: only what a document with it lacks',
      }),
    }),
    headers: readHeaders,
    body: noBody,
    answers: {
      200: {
        description: 'One Yjs V1 update. The version is the LSN of its last record.',
        headers,
        mediaType: UPDATE_TYPE,
      },
      304: { description: 'The caller has this version.', headers: ['etag'] },
    },
    errors: ['unknown_workspace', 'unknown_lsn', 'history_dropped', 'busy'],
  },
  async (
    { params: { workspace }, query: { at, since }, headers: { 'if-none-match': known }, identity, work },
    services,
  ) => {
    const isKnown = (version: number): boolean => isKnownToCaller(known, { version })
    const asked = { workspace: workspace as WorkspaceId, at, since, isKnown, work }
    const { update, lsn } = await wholeUpdate(services, asked)
    const etag = etagOf({ version: lsn })
    if (update === undefined) return { status: 304, headers: { etag } }
    const release = services.updatesInFlight.take(identity.actor, update.length)
    return {
      status: 200,
      headers: { etag, ...lsnHeader({ lsn }), 'content-type': UPDATE_TYPE, 'content-length': String(update.length) },
      stream: (response) => sendBytes(response, update, services.limits.updateStallMs).finally(release),
    }
  },
)

const post = route(
  {
    method: 'POST',
    path: UPDATE,
    id: 'postUpdate',
    summary: 'Apply one Yjs V1 update, whole or not at all; the first one makes the workspace',
    params: params.workspace,
    query: blockWriteQuery,
    headers: blockWriteHeaders,
    body: updateBody,
    answers: {
      200: {
        description: 'The update is durable and shown. `changed` is false when all of it was known.',
        schema: z.object({ lsn: lsnSchema, changed: z.boolean() }),
        headers: ['x-joinery-lsn'],
      },
    },
    errors: [
      'workspace_exists',
      'version_conflict',
      'missing_edits',
      'bad_update',
      'update_refused',
      'key_reused',
      'durability_unavailable',
      'busy',
    ],
  },
  async ({ params: { workspace }, query, headers: sent, body: update, identity, work }, { writes, durability }) => {
    authorOf(identity)
    const precondition = preconditionOf(sent, query)
    const outcome = await writes.bring({
      workspace: workspace as WorkspaceId,
      identity,
      work,
      update,
      key: sent['idempotency-key'],
      lease: sent['x-joinery-lease'],
      fingerprint: () =>
        `postUpdate ${JSON.stringify([query, sent['if-match'], sent['if-none-match']])}\n${identity.source}\n${digestOf(update)}`,
      sync: wantsSync(sent, durability),
      check: ({ head, generation }) => {
        const version = head === 0 && generation === undefined ? undefined : { version: head, at: undefined }
        assertPrecondition('workspace', workspace, version, precondition, () => ({ lsn: head }))
      },
    })
    const { lsn, record } = outcome
    return { status: 200, headers: lsnHeader(outcome), body: { lsn, changed: record !== undefined } }
  },
)

function digestOf(update: Uint8Array): string {
  return createHash('sha256').update(update).digest('base64url')
}

export const updateRoutes: readonly Route[] = [get, post]
