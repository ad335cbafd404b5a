import { createHash } from 'node:crypto'
import { blockIdOf, blocksAfter, randomBlockId } from '@joinery/blocks'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { type BlockView, blockJson, readBlock, readBlockAsDelta, viewBlock } from '../block-view.ts'
import {
  blockId,
  blockSchema,
  forLists,
  limitQuery,
  lsnQuery,
  params,
  patchBody,
  putBody,
  richBlockSchema,
} from '../schemas.ts'
import { assertFew } from '../writes/operation-bounds.ts'
import { blockWriteHeaders, blockWriteQuery, etagOf, isKnownToCaller, preconditionOf } from '../writes/precondition.ts'
import { lsnHeader, writeHeaders } from '../writes/write-headers.ts'
import type { WriteOutcome } from '../writes/writes.ts'
import { atQuery, pageOf, readHeaders, stateAt } from './reads.ts'
import { anyHeaders, noBody, type Reply, type Route, route } from './route.ts'
import { writeOperations } from './write-operations.ts'

const BLOCKS = '/v1/workspaces/{workspace}/blocks'
const BLOCK = `${BLOCKS}/{block}`
const written = ['etag', 'x-joinery-lsn'] as const
const richQuery = atQuery.extend({
  as: z.literal('delta').optional().meta({
    description:
      'adds `delta`: the content as a Quill delta, with the marks and embeds that `content` lacks; texts in `data` are deltas, too',
  }),
})
const contentQuery = blockWriteQuery.extend({
  based_on: lsnQuery.optional().meta({
    description:
      'LSN of the state that the content was written from: the edit is merged with later ones, as a concurrent edit',
  }),
})
const page = forLists((lists) =>
  z.object({ blocks: z.array(blockSchema(lists)), lsn: z.int(), next: z.string().nullable() }),
)

const list = route(
  {
    method: 'GET',
    path: BLOCKS,
    id: 'listBlocks',
    summary: 'Blocks in the order of their ids, now or in the past',
    params: params.workspace,
    query: atQuery.extend({ limit: limitQuery, after: blockId.optional() }),
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description:
          'One page, shorter where blocks are large. `next` is the `after` of the next page, null on the last.',
        schema: page,
      },
    },
    errors: ['unknown_workspace', 'unknown_lsn', 'history_dropped', 'busy'],
  },
  async ({ params: { workspace }, query: { at, limit, after = '' }, work }, services) => {
    const body = await stateAt(services, { workspace, at, work }, (doc, stamps, lsn) => {
      const rest = blocksAfter(doc, { after, count: limit + 1 })
      const page = pageOf(rest, limit, (block) => viewBlock(blockJson(block, services.lists), stamps.of(block.id)))
      return { blocks: page.views, lsn, next: page.next }
    })
    return { status: 200, body }
  },
)

const get = route(
  {
    method: 'GET',
    path: BLOCK,
    id: 'getBlock',
    summary: 'One block, now or in the past',
    params: params.block,
    query: richQuery,
    headers: readHeaders,
    body: noBody,
    answers: {
      200: { description: 'The block.', schema: richBlockSchema, headers: ['etag'] },
      304: { description: 'The caller has this version.', headers: ['etag'] },
    },
    errors: ['unknown_workspace', 'unknown_block', 'unknown_lsn', 'history_dropped', 'busy'],
  },
  async ({ params: { workspace, block: id }, query: { at, as }, headers, work }, services) => {
    const block = await stateAt(services, { workspace, at, work }, (doc, stamps) =>
      (as === 'delta' ? readBlockAsDelta : readBlock)(doc, stamps, id, services.lists),
    )
    if (block === undefined) throw new ApiError('unknown_block', `there is no block "${id}"${at ? ` at ${at}` : ''}`)
    const etag = etagOf(block)
    if (isKnownToCaller(headers['if-none-match'], block)) return { status: 304, headers: { etag } }
    return { status: 200, headers: { etag }, body: block }
  },
)

const put = route(
  {
    method: 'PUT',
    path: BLOCK,
    id: 'putBlock',
    summary: 'Create a block, or replace the parts of it that are in the body',
    params: params.block,
    query: contentQuery,
    headers: blockWriteHeaders,
    body: putBody,
    assertSize: assertFew,
    answers: {
      200: { description: 'The block as of this write.', schema: blockSchema, headers: written },
      201: { description: 'The block is new.', schema: blockSchema, headers: written },
    },
    errors: [
      'block_exists',
      'unknown_lsn',
      'history_dropped',
      'busy',
      'version_conflict',
      'foreign_shape',
      'type_required',
      'key_reused',
      'durability_unavailable',
    ],
  },
  async ({ params: { workspace, block }, query, headers, body, identity, work }, services) => {
    const operation = { op: 'put', block, ...body, ...preconditionOf(headers, query) } as const
    const what = `PUT ${block} ${query.based_on ?? ''}`
    const basedOn = query.based_on
    const outcome = await writeOperations(
      { workspace, identity, work, headers, operations: [operation], body, what, basedOn },
      services,
    )
    const isNew = outcome.record?.touched.includes(block) ?? false
    return blockReply(outcome, block, isNew ? 201 : 200)
  },
)

const create = route(
  {
    method: 'POST',
    path: BLOCKS,
    id: 'createBlock',
    summary: 'Create a block under an id that the server draws',
    params: params.workspace,
    query: z.strictObject({}),
    headers: writeHeaders,
    body: putBody,
    assertSize: assertFew,
    answers: { 201: { description: 'The new block.', schema: blockSchema, headers: written } },
    errors: ['unknown_workspace', 'type_required', 'key_reused', 'durability_unavailable'],
  },
  async ({ params: { workspace }, headers, body, identity, work }, services) => {
    const key = headers['idempotency-key']
    const block = key === undefined ? randomBlockId() : idUnder(key, workspace, identity.actor)
    const operation = { op: 'put', block, ...body, isAlone: true, lists: services.lists } as const
    const outcome = await writeOperations(
      { workspace, identity, work, headers, operations: [operation], body, what: 'POST blocks' },
      services,
    )
    return blockReply(outcome, block, 201)
  },
)

/** The id that one actor's key stands for: a repeat of the request has to find the block that the first one made. */
function idUnder(key: string, workspace: string, actor: string): string {
  return blockIdOf(
    createHash('sha256')
      .update(JSON.stringify([workspace, actor, key]))
      .digest(),
  )
}

const patch = route(
  {
    method: 'PATCH',
    path: BLOCK,
    id: 'patchBlock',
    summary: 'Change parts of a block by a merge patch',
    params: params.block,
    query: contentQuery,
    headers: blockWriteHeaders,
    body: patchBody,
    assertSize: assertFew,
    answers: { 200: { description: 'The block as of this write.', schema: blockSchema, headers: written } },
    errors: [
      'unknown_workspace',
      'unknown_block',
      'unknown_lsn',
      'history_dropped',
      'busy',
      'block_exists',
      'version_conflict',
      'foreign_shape',
      'key_reused',
      'durability_unavailable',
    ],
  },
  async ({ params: { workspace, block }, query, headers, body, identity, work }, services) => {
    const operation = { op: 'patch', block, ...body, ...preconditionOf(headers, query) } as const
    const what = `PATCH ${block} ${query.based_on ?? ''}`
    const basedOn = query.based_on
    const outcome = await writeOperations(
      { workspace, identity, work, headers, operations: [operation], body, what, basedOn },
      services,
    )
    return blockReply(outcome, block, 200)
  },
)

const remove = route(
  {
    method: 'DELETE',
    path: BLOCK,
    id: 'deleteBlock',
    summary: 'Delete a block with everything in it',
    params: params.block,
    query: blockWriteQuery,
    headers: blockWriteHeaders,
    body: noBody,
    answers: { 204: { description: 'The block is deleted.', headers: ['x-joinery-lsn'] } },
    errors: [
      'unknown_workspace',
      'unknown_block',
      'block_exists',
      'version_conflict',
      'key_reused',
      'durability_unavailable',
    ],
  },
  async ({ params: { workspace, block }, query, headers, identity, work }, services) => {
    const operation = { op: 'delete', block, ...preconditionOf(headers, query) } as const
    const what = `DELETE ${block}`
    const outcome = await writeOperations(
      { workspace, identity, work, headers, operations: [operation], body: null, what },
      services,
    )
    return { status: 204, headers: lsnHeader(outcome) }
  },
)

function blockReply(outcome: WriteOutcome, id: string, status: number): Reply {
  const block: BlockView | undefined = outcome.blocks.get(id)
  if (block === undefined) throw new Error(`block ${id} is missing after it was written`)
  return { status, headers: { ...lsnHeader(outcome), etag: etagOf(block) }, body: block }
}

export const blockRoutes: readonly Route[] = [list, create, get, put, patch, remove]
