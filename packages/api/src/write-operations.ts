import type { Identity } from '@joinery/server'
import { ApiError } from './api-error.ts'
import { authorOf } from './caller.ts'
import type { Operation } from './operation.ts'
import { checkOperations, runOperations } from './operations.ts'
import type { Services } from './services.ts'
import type { WorkspaceId } from './workspace-name.ts'
import { assertDurability } from './write-headers.ts'
import type { WriteOutcome } from './writes.ts'

export interface OperationsRequest {
  readonly workspace: string
  readonly identity: Identity
  readonly headers: {
    readonly 'idempotency-key'?: string | undefined
    readonly 'x-joinery-durability'?: 'async' | 'sync' | undefined
  }
  readonly operations: readonly Operation[]
  /** The body as it was sent: a repeat has to bring the same. */
  readonly body: unknown
  /** What else makes the request what it is. */
  readonly what: string
}

/** Makes the operations as one edit, all or none, and resolves when it is durable. */
export async function writeOperations(request: OperationsRequest, services: Services): Promise<WriteOutcome> {
  const { identity, headers, operations } = request
  const workspace = request.workspace as WorkspaceId
  const author = authorOf(identity)
  assertDurability(headers['x-joinery-durability'], services.durability)
  for (const operation of operations) {
    if (!('content' in operation) || (operation.content?.length ?? 0) <= services.limits.contentCharsMax) continue
    throw new ApiError(
      'too_large',
      `a content of ${operation.content?.length} characters is over ${services.limits.contentCharsMax}`,
    )
  }
  return services.writes.write({
    workspace,
    author,
    blocks: [...new Set(operations.map(({ block }) => block))],
    key: headers['idempotency-key'],
    fingerprint: `${request.what}\n${author.source}\n${JSON.stringify(request.body) ?? ''}`,
    check: (view) => {
      const isUnknown = view.head === 0 && view.generation === undefined
      if (isUnknown && !operations.some(({ op }) => op === 'put')) throw unknownWorkspace(workspace)
      checkOperations(view, operations, author)
    },
    run: (doc) => runOperations(doc, operations, author),
  })
}

export function unknownWorkspace(workspace: string): ApiError {
  return new ApiError('unknown_workspace', `there is no workspace "${workspace}": the first write of a block makes it`)
}
