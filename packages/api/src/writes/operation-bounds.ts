import { charactersOf } from '@joinery/blocks'
import { ApiError } from '../api-error.ts'
import type { ApiLimits } from '../api-limits.ts'
import { isEdgeOperation, type Operation } from './operation-kinds.ts'
import type { AboutToWrite } from './untouched.ts'

/** Ids of the blocks that the operations name, each once. */
export function blocksOf(operations: readonly Operation[]): string[] {
  return [...new Set(operations.flatMap((operation) => (isEdgeOperation(operation) ? [] : [operation.block])))]
}

/**
 * Throws `too_large` for more operations, keys or operations on runs than one turn of the event loop may make. It takes a body as it was
 * sent: to check one of 49,000 fields against the schemas takes a tenth of a second.
 */
export function assertFew(body: unknown, { operationsMax, keysMax, runOperationsMax }: ApiLimits): void {
  const given = memberOf(body, 'operations')
  const operations: readonly unknown[] = Array.isArray(given) ? given : [body]
  if (operations.length > operationsMax) throw tooMany(operations.length, 'operations', operationsMax)
  let [keys, runs] = [0, 0]
  for (const operation of operations) {
    if (RUN_OPERATIONS.has(memberOf(operation, 'op'))) runs++
    for (const part of ['fields', 'data']) keys += countKeys(memberOf(operation, part))
  }
  if (keys > keysMax) throw tooMany(keys, 'fields and keys of data', keysMax)
  if (runs > runOperationsMax) throw tooMany(runs, 'operations on runs', runOperationsMax)
}

const RUN_OPERATIONS: ReadonlySet<unknown> = new Set<Operation['op']>([
  'startRun',
  'report',
  'removeIndex',
  'startStatus',
  'reportStatus',
  'removeStatus',
])

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
}

function countKeys(value: unknown): number {
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}

function tooMany(count: number, what: string, max: number): ApiError {
  return new ApiError('too_large', `the request writes ${count} ${what}, and may write ${max}: send several requests`)
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
