import { type ClaimAuthor, type ClaimList, getBlock } from '@joinery/blocks'
import type { WorkspaceView } from '@joinery/server'
import type * as Y from 'yjs'
import { ApiError } from '../api-error.ts'
import { readBlock } from '../block-view.ts'
import { checkEdgePrecondition } from './edge-operation.ts'
import { runOperation } from './operation.ts'
import { isEdgeOperation, type Operation } from './operation-kinds.ts'
import { OperationTrial } from './operation-trial.ts'
import { assertPrecondition } from './precondition.ts'

/**
 * Throws unless all operations can be made, one after the other. Changes nothing. Preconditions are about the blocks as they
 * are before the first operation.
 */
export function checkOperations(
  view: WorkspaceView,
  operations: readonly Operation[],
  author: ClaimAuthor | ((operation: Operation) => ClaimAuthor),
  lists: readonly ClaimList[],
): void {
  for (const [index, operation] of operations.entries()) {
    at(index, operations, () => checkPrecondition(view, operation, lists))
  }
  new OperationTrial(view.doc, author, lists).check(operations, (index, check) => at(index, operations, check))
}

/**
 * The same operations without the contents that a later operation replaces. Nobody would ever see these, and each would leave
 * its edits in the log for good.
 */
export function withoutReplacedContents(operations: readonly Operation[]): readonly Operation[] {
  const last = new Map<string, Operation>()
  for (const operation of operations) if (hasContent(operation)) last.set(operation.block, operation)
  return operations.map((operation) =>
    hasContent(operation) && last.get(operation.block) !== operation
      ? { ...operation, content: undefined, delta: undefined }
      : operation,
  )
}

function hasContent(operation: Operation): operation is Extract<Operation, { op: 'put' | 'patch' }> {
  if (operation.op !== 'put' && operation.op !== 'patch') return false
  return operation.content !== undefined || operation.delta !== undefined
}

export function runOperations(
  doc: Y.Doc,
  operations: readonly Operation[],
  author: ClaimAuthor,
  lists: readonly ClaimList[],
  base?: Y.Doc,
): void {
  for (const operation of operations) runOperation(doc, operation, author, lists, base)
}

function checkPrecondition(view: WorkspaceView, operation: Operation, lists: readonly ClaimList[]): void {
  if (isEdgeOperation(operation)) return checkEdgePrecondition(view, operation.edge, operation)
  const { doc, stamps } = view
  const { block: id, expectedVersion, onlyIfAbsent, match } = operation
  if (expectedVersion === undefined && onlyIfAbsent === undefined && match === undefined) return
  const stamp = stamps.of(id)
  const standing = getBlock(doc, id) && { version: stamp?.lsn ?? 0, at: stamp?.at }
  assertPrecondition('block', id, standing, operation, () => readBlock(doc, stamps, id, lists))
}

/** Names the operation in an error, when there are several. */
function at(index: number, operations: readonly Operation[], check: () => void): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof ApiError) || operations.length === 1) throw error
    const { code, message, current, details } = error
    throw new ApiError(code, `operation ${index}: ${message}`, { current, details: { ...details, operation: index } })
  }
}
