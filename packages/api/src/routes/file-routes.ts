import type { Files, UploadView } from '@joinery/resources'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { authorOf } from '../caller.ts'
import { assertKnown } from '../known-workspace.ts'
import { params } from '../schemas.ts'
import { taskId } from '../tasks/task-schemas.ts'
import { anyHeaders, noBody, nothing, type Reply, type Route, route } from './route.ts'
import type { Services } from './services.ts'
import { assertNotDeleted, assertOf } from './task-request.ts'

const FILES = '/v1/workspaces/{workspace}/blocks/{block}/files'
const UPLOAD = '/v1/workspaces/{workspace}/uploads/{upload}'

const uploadParams = params.workspace.extend({ upload: taskId })
const fileName = z.string().min(1).max(1_000)
const bytes = z.int().min(0)
const expiresAt = z.number().meta({ description: 'ms since epoch; ask again afterwards' })

const uploadAnswer = z.object({
  upload: z.object({
    id: taskId.meta({ description: 'the task that does the work: cancel it to abort the upload' }),
    block: z.string(),
    name: z
      .string()
      .meta({ description: 'the name that the block shows: with a number where another file has the asked one' }),
    state: z.enum(['beginning', 'open', 'checking', 'synced', 'failed']),
    bytes,
    partBytes: bytes.meta({ description: 'bytes of every part but the last' }),
    parts: z.int().min(1),
    missing: z.array(z.int()).meta({ description: 'numbers of the parts that have not arrived' }),
    error: z.string().optional(),
  }),
})

const start = route(
  {
    method: 'POST',
    path: FILES,
    id: 'startUpload',
    summary: 'Upload a file to a block, or go on with an upload that was interrupted',
    params: params.block,
    query: nothing,
    headers: anyHeaders,
    body: z
      .strictObject({
        name: fileName,
        bytes,
        type: z.string().max(200).default('application/octet-stream').meta({ description: 'media type' }),
        sha256: z
          .string()
          .regex(/^[\da-f]{64}$/, 'must have 64 hexadecimal digits, in small letters')
          .meta({ description: 'SHA-256 of the content: an upload is known by it, whatever the name' }),
      })
      .meta({ examples: [{ name: 'plan.pdf', bytes: 20_000_000, type: 'application/pdf', sha256: 'e3'.repeat(32) }] }),
    answers: {
      202: {
        description: 'The upload goes on, whatever happens to the caller. Parts that have arrived are not missing.',
        schema: uploadAnswer,
      },
    },
    errors: [
      'unknown_workspace',
      'unknown_block',
      'too_large',
      'quota_files',
      'too_many_tasks',
      'store_unavailable',
      'store_refused',
    ],
  },
  async ({ params: { workspace, block }, body, identity, work }, services) => {
    const position = await assertNotDeleted(workspace, services)
    if (position !== undefined) assertKnown(workspace, position)
    const by = { ...authorOf(identity), principal: work.owner, payer: work.payer.principal }
    const upload = await filesOf(services).start(workspace, { ...body, block }, by)
    if (upload === undefined) throw new ApiError('unknown_block', `there is no block "${block}": create it first`)
    return reply(202, upload)
  },
)

const get = route(
  {
    method: 'GET',
    path: UPLOAD,
    id: 'getUpload',
    summary: 'An upload as it stands, with the parts that are missing',
    params: uploadParams,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: { 200: { description: 'The upload.', schema: uploadAnswer } },
    errors: ['unknown_task', 'unknown_upload', 'store_unavailable', 'store_refused'],
  },
  async ({ params: { workspace, upload } }, services) => {
    await assertOpen(workspace, upload, services)
    return reply(200, await filesOf(services).view(workspace, upload))
  },
)

const urls = route(
  {
    method: 'POST',
    path: `${UPLOAD}/urls`,
    id: 'getPartUrls',
    summary: 'URLs to which the bytes of parts are sent by PUT',
    params: uploadParams,
    query: nothing,
    headers: anyHeaders,
    body: z
      .strictObject({ parts: z.array(z.int().min(1)).min(1).max(1_000) })
      .meta({ examples: [{ parts: [1, 2, 3] }] }),
    answers: {
      200: {
        description: 'Each URL takes exactly `bytes` bytes, and is a secret. A path is one of this server.',
        schema: z.object({ urls: z.array(z.object({ n: z.int(), bytes, url: z.string(), expiresAt })) }),
      },
    },
    errors: ['unknown_task', 'unknown_upload', 'store_refused'],
  },
  async ({ params: { workspace, upload }, body: { parts } }, services) => {
    await assertOpen(workspace, upload, services)
    const found = await filesOf(services).urls(workspace, upload, parts)
    return {
      status: 200,
      headers: { 'cache-control': 'no-store' },
      body: {
        urls: found.map(({ n, bytes: length, url, expiresAtMs }) => ({
          n,
          bytes: length,
          url,
          expiresAt: expiresAtMs,
        })),
      },
    }
  },
)

const complete = route(
  {
    method: 'POST',
    path: `${UPLOAD}/complete`,
    id: 'completeUpload',
    summary: 'Say that all parts have arrived: they are joined and read back',
    params: uploadParams,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: { 202: { description: 'The parts are being checked. A repeat changes nothing.', schema: uploadAnswer } },
    errors: ['unknown_task', 'unknown_upload', 'upload_incomplete', 'store_unavailable', 'store_refused'],
  },
  async ({ params: { workspace, upload }, identity }, services) => {
    await assertOpen(workspace, upload, services)
    return reply(202, await filesOf(services).complete(workspace, upload, authorOf(identity)))
  },
)

const file = route(
  {
    method: 'GET',
    path: `${FILES}/{name}`,
    id: 'getFile',
    summary: 'A URL from which a file of a block can be downloaded for a short time',
    params: params.block.extend({ name: fileName }),
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description: 'The URL is a secret. A path is one of this server.',
        schema: z.object({
          name: z.string(),
          bytes,
          type: z.string(),
          sha256: z.string(),
          url: z.string(),
          expiresAt,
        }),
      },
    },
    errors: ['unknown_workspace', 'unknown_file', 'store_unavailable', 'store_refused'],
  },
  async ({ params: { workspace, block, name }, work }, services) => {
    const position = await assertNotDeleted(workspace, services)
    if (position !== undefined) assertKnown(workspace, position)
    const { expiresAtMs, ...found } = await filesOf(services).urlOf(workspace, block, name, work.payer.principal)
    return { status: 200, headers: { 'cache-control': 'no-store' }, body: { ...found, expiresAt: expiresAtMs } }
  },
)

function filesOf({ files }: Services): Files {
  if (files === undefined) throw new Error('a route of files is served without files')
  return files
}

async function assertOpen(workspace: string, upload: string, services: Services): Promise<void> {
  await assertNotDeleted(workspace, services)
  assertOf(workspace, upload)
}

function reply(status: number, upload: UploadView): Reply {
  return { status, body: { upload } }
}

export const fileRoutes: readonly Route[] = [start, get, urls, complete, file]
