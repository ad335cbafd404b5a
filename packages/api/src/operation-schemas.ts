import { z } from 'zod'
import {
  blockId,
  edgeId,
  edgeRule,
  errorRule,
  hasErrorRight,
  hasTotalRight,
  indexName,
  isEdgeFit,
  isReachable,
  lsnSchema,
  machineName,
  putBody,
  putEdgeBody,
  reachableRule,
  reportBody,
  resourceName,
  runId,
  startRunBody,
  totalRule,
} from './schemas.ts'
import { reportStatusBody, startStatusBody } from './status-schemas.ts'

const precondition = {
  expectedVersion: lsnSchema
    .optional()
    .meta({ description: 'the operation is refused unless the block is at this version' }),
  onlyIfAbsent: z.literal(true).optional().meta({ description: 'the operation is refused if the block exists' }),
}
const onBlock = { block: blockId, ...precondition }
const onIndex = { ...onBlock, index: indexName }
const onNewIndex = { ...onBlock, index: indexName.refine(isReachable, reachableRule) }
const onStatus = { ...onBlock, machine: machineName, name: resourceName }
const onNewStatus = { ...onStatus, name: resourceName.refine(isReachable, reachableRule) }

/** One operation of a transaction. */
export const operationSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('put'), ...onBlock, ...putBody.shape }),
  z.strictObject({ op: z.literal('patch'), ...onBlock, ...putBody.shape }),
  z.strictObject({ op: z.literal('delete'), ...onBlock }),
  z.strictObject({ op: z.literal('startRun'), ...onNewIndex, ...startRunBody.shape }),
  z
    .strictObject({ op: z.literal('report'), ...onIndex, run: runId, ...reportBody.shape })
    .refine(hasErrorRight, errorRule)
    .refine(hasTotalRight, totalRule),
  z.strictObject({ op: z.literal('removeIndex'), ...onIndex }),
  z
    .strictObject({ op: z.literal('startStatus'), ...onNewStatus, ...startStatusBody.shape })
    .refine(hasTotalRight, totalRule),
  z
    .strictObject({ op: z.literal('reportStatus'), ...onStatus, run: runId, ...reportStatusBody.shape })
    .refine(hasTotalRight, totalRule),
  z.strictObject({ op: z.literal('removeStatus'), ...onStatus }),
  z
    .strictObject({ op: z.literal('putEdge'), edge: edgeId, ...precondition, ...putEdgeBody.shape })
    .refine(isEdgeFit, edgeRule),
  z.strictObject({ op: z.literal('deleteEdge'), edge: edgeId, ...precondition }),
])
