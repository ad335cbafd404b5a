import { charactersOf } from '@joinery/blocks'
import { ApiError } from '../api-error.ts'
import type { ApiLimits } from '../api-limits.ts'
import { isEdgeOperation, isStatusOperation, type Operation } from './operation-kinds.ts'
import type { AboutToWrite } from './untouched.ts'

/** Ids of the blocks that the operations name, each once. */
export function blocksOf(operations: readonly Operation[]): string[] {
  return [...new Set(operations.flatMap((operation) => (isEdgeOperation(operation) ? [] : [operation.block])))]
}

/** Throws `too_large` for more keys or operations on runs than one turn of the event loop may make. */
export function assertFew(operations: readonly Operation[], { keysMax, runOperationsMax }: ApiLimits): void {
  let [keys, runs] = [0, 0]
  for (const operation of operations) {
    if ('index' in operation || isStatusOperation(operation)) runs++
    if ('fields' in operation) keys += Object.keys(operation.fields ?? {}).length
    if ('data' in operation) keys += Object.keys(operation.data ?? {}).length
  }
  const told = (count: number, what: string, max: number): ApiError =>
    new ApiError('too_large', `the request writes ${count} ${what}, and may write ${max}: send several requests`)
  if (keys > keysMax) throw told(keys, 'fields and keys of data', keysMax)
  if (runs > runOperationsMax) throw told(runs, 'operations on runs', runOperationsMax)
}

/** Throws `too_large`, or `invalid` if the operation gives two different contents. */
export function assertContent(operation: Operation, charsMax: number): void {
  if (operation.op !== 'put' && operation.op !== 'patch') return
  const { content, delta } = operation
  const characters = delta === undefined ? content : charactersOf(delta)
  if (characters === undefined) return
  if (content !== undefined && content !== characters)
    throw new ApiError('invalid', 'content and delta have different characters: send one of them')
  if (characters.length <= charsMax) return
  throw new ApiError(
    'too_large',
    `the content has ${characters.length} characters, and may have ${charsMax}: type it through a socket`,
  )
}

/** The blocks and edges that the operations change, without statuses and indexes. */
export function aboutToWrite(operations: readonly Operation[]): AboutToWrite {
  const blocks = new Set<string>()
  const edges = new Set<string>()
  for (const operation of operations) {
    if (isEdgeOperation(operation)) edges.add(operation.edge)
    else if (operation.op === 'put' || operation.op === 'patch' || operation.op === 'delete')
      blocks.add(operation.block)
  }
  return { blocks, edges }
}
