import type { ClaimList } from '@joinery/blocks'
import type { z } from 'zod'
import type { operationSchema } from '../operation-schemas.ts'
import type { Precondition } from './precondition.ts'

/** One edit of one block or edge. A transaction lists several, and each other route of blocks makes one. */
export type Operation = z.infer<typeof operationSchema> &
  Precondition & {
    /** True for a new block whose id nobody else knows; `lists` are those that it gets at once. */
    readonly isAlone?: boolean
    readonly lists?: readonly ClaimList[]
  }
/** The operations of these kinds. */
export type OfKind<Op extends Operation['op']> = Extract<Operation, { op: Op }>

export type EdgeOperation = OfKind<'putEdge' | 'deleteEdge'>
export type BlockOperation = Exclude<Operation, EdgeOperation>
export type StatusOperation = OfKind<'startStatus' | 'reportStatus' | 'removeStatus'>

export function isEdgeOperation(operation: Operation): operation is EdgeOperation {
  return operation.op === 'putEdge' || operation.op === 'deleteEdge'
}

export function isStatusOperation(operation: Operation): operation is StatusOperation {
  return operation.op === 'startStatus' || operation.op === 'reportStatus' || operation.op === 'removeStatus'
}
