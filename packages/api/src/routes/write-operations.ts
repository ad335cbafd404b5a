import { type ClaimList, getBlock } from '@joinery/blocks'
import type { Identity, WorkspaceId, WorkspaceView } from '@joinery/server'
import * as Y from 'yjs'
import { ApiError } from '../api-error.ts'
import { readBlock } from '../block-view.ts'
import { authorOf, statusAuthorOf } from '../caller.ts'
import { assertKnown } from '../known-workspace.ts'
import type { RequestWork } from '../request-work.ts'
import { cleanOperations } from '../tasks/told-words.ts'
import { aboutToWrite, assertContent, blocksOf } from '../writes/operation-bounds.ts'
import { isEdgeOperation, isStatusOperation, type Operation } from '../writes/operation-kinds.ts'
import { checkOperations, runOperations, withoutReplacedContents } from '../writes/operations.ts'
import { wantsSync } from '../writes/write-headers.ts'
import type { WriteOutcome } from '../writes/writes.ts'
import type { Services } from './services.ts'

export interface OperationsRequest {
  readonly workspace: string
  readonly identity: Identity
  readonly work: RequestWork
  readonly headers: {
    readonly 'idempotency-key'?: string | undefined
    readonly 'x-joinery-lease'?: string | undefined
    readonly 'x-joinery-durability'?: 'async' | 'sync' | undefined
  }
  readonly operations: readonly Operation[]
  /** LSN of the state that the new content was written from; without it, the state as it is at the write. */
  readonly basedOn?: number | undefined
  /** The body as the caller sent it: a repeat must have the same. */
  readonly body: unknown
  /** Everything else that tells this request from another one: route, path and query. */
  readonly what: string
}

/** Errors of a write to a run of a block, besides those of the run itself. */
export const RUN_ERRORS = [
  'unknown_workspace',
  'unknown_block',
  'block_exists',
  'version_conflict',
  'foreign_shape',
  'key_reused',
  'durability_unavailable',
] as const

/** Makes all operations as one edit, or none. Resolves when the edit is durable. */
export async function writeOperations(request: OperationsRequest, services: Services): Promise<WriteOutcome> {
  const { identity, headers, work } = request
  const workspace = request.workspace as WorkspaceId
  const author = request.operations.every(isStatusOperation) ? statusAuthorOf(identity) : authorOf(identity)
  const sync = wantsSync(headers, services.durability)
  for (const operation of request.operations) assertContent(operation, services.limits.contentCharsMax)
  const operations = cleanOperations(withoutReplacedContents(request.operations), services.redact)
  const { basedOn } = request
  const write = (base?: Y.Doc): Promise<WriteOutcome> =>
    services.writes.write({
      workspace,
      author,
      work,
      blocks: blocksOf(operations),
      edges: [...new Set(operations.filter(isEdgeOperation).map(({ edge }) => edge))],
      about: aboutToWrite(operations),
      key: headers['idempotency-key'],
      lease: headers['x-joinery-lease'],
      fingerprint: () => `${request.what}\n${author.source}\n${JSON.stringify(request.body) ?? ''}`,
      check: (view) => {
        if (!operations.some(({ op }) => op === 'put')) assertKnown(workspace, view)
        checkOperations(view, operations, author, services.lists)
        if (base !== undefined)
          for (const block of blocksOf(operations)) assertSameText(view, base, block, services.lists)
      },
      sync,
      run: (doc) => runOperations(doc, operations, author, services.lists, base),
    })
  if (basedOn === undefined) return write()
  return services.history.during(workspace, { lsn: basedOn }, work, ({ doc }, pace) => pace.aside(write(doc)))
}

/** The part of a request that asks for one operation. */
export interface OperationRequest extends Pick<OperationsRequest, 'identity' | 'work' | 'headers' | 'body'> {
  readonly params: { readonly workspace: string }
}

/** Makes one operation as one edit. `what` is as for {@link writeOperations}. */
export function writeOperation(
  operation: Operation,
  what: string,
  { params: { workspace }, identity, work, headers, body }: OperationRequest,
  services: Services,
): Promise<WriteOutcome> {
  return writeOperations({ workspace, identity, work, headers, operations: [operation], body, what }, services)
}

/** Throws `version_conflict` if the block was made anew since: its text is then another one, under the same id. */
function assertSameText({ doc, stamps }: WorkspaceView, base: Y.Doc, id: string, lists: readonly ClaimList[]): void {
  const now = getBlock(doc, id)?.map.get('content')
  const then = getBlock(base, id)?.map.get('content')
  const isSame = now instanceof Y.Text && then instanceof Y.Text && Y.compareIDs(idOf(now), idOf(then))
  if (isSame) return
  const current = readBlock(doc, stamps, id, lists) ?? null
  throw new ApiError('version_conflict', `the text of block "${id}" is not the one at based_on: read the block again`, {
    current,
  })
}

function idOf(text: Y.Text): Y.ID | null {
  return text._item?.id ?? null
}
