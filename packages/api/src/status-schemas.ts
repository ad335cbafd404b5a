import { CLAIM_LIMITS, entryShape } from '@joinery/blocks'
import { z } from 'zod'
import { machineListOf } from './machine-list.ts'
import {
  amount,
  entrySchema,
  forLists,
  hasTotalRight,
  isReachable,
  json,
  lsnSchema,
  name,
  reachableRule,
  runId,
  timeSchema,
  totalRule,
} from './schemas.ts'

const time = z.number().min(0).max(CLAIM_LIMITS.atMsMax)
/** Any status and source of an application's own table, which only a server knows that has it. */
const word = z.string().min(1).max(64)

/** The properties that a start and a report may give beside the status. */
const told = {
  error: z.string().max(CLAIM_LIMITS.errorLengthMax).optional().meta({ description: 'only beside a failure' }),
  progress: amount.optional().meta({ description: 'how far the run is' }),
  total: amount.positive().optional().meta({ description: 'the progress at which the run is complete' }),
  attempt: z
    .int()
    .min(1)
    .max(CLAIM_LIMITS.countMax)
    .optional()
    .meta({ description: 'number of the automatic attempt' }),
  retryAt: time.optional().meta({ description: 'when the next attempt begins, ms since epoch' }),
  stalled: z
    .strictObject({ since: time, why: name })
    .optional()
    .meta({ description: 'flag: the run makes no progress since then. Shown as the status `stalled`' }),
  detail: z
    .record(z.string(), json)
    .optional()
    .meta({ description: 'more to be shown, at most 4,096 characters of JSON' }),
  task: name.optional().meta({ description: 'id of the task that does the work' }),
}

export const startStatusBody = z
  .strictObject({
    status: word.optional().meta({ description: "first status; the machine's usual one when left out" }),
    runId: runId
      .refine(isReachable, reachableRule)
      .optional()
      .meta({ description: 'names the run; random when left out' }),
    ...told,
  })
  .refine(hasTotalRight, totalRule)
  .meta({ examples: [{ runId: 'upload-17' }] })

export const reportStatusBody = z
  .strictObject({
    status: word,
    ...told,
    started: z
      .strictObject({ no: z.int().min(1).max(CLAIM_LIMITS.countMax), source: word })
      .optional()
      .meta({
        description:
          "number and source of the run, as the answer to its start has them: with them, a report that comes after another run's start is recorded",
      }),
  })
  .refine(hasTotalRight, totalRule)
  .meta({ examples: [{ status: 'syncing', progress: 3, total: 10 }] })

/** The entry that a resource shows. */
const statusEntry = forLists((lists) => {
  const list = machineListOf(lists)
  const shape = list === undefined ? 'value' : entryShape(list)
  return shape === 'value' ? z.object({}) : entrySchema(shape)
})

export const statusAnswer = forLists((lists) =>
  z.object({
    entry: statusEntry(lists),
    version: lsnSchema,
    shown: z.boolean().meta({ description: 'true when this request wrote the entry' }),
  }),
)

export const statusView = forLists((lists) =>
  z.object({
    entry: statusEntry(lists),
    version: lsnSchema,
    status: z.string().meta({ description: 'the status that people are shown: `stalled` for a run with this flag' }),
  }),
)

export const statusEvents = forLists((lists) =>
  z.object({
    events: z.array(
      z.object({
        lsn: lsnSchema,
        at: timeSchema,
        actor: z.string(),
        source: z.string(),
        before: statusEntry(lists).nullable(),
        after: statusEntry(lists).nullable(),
      }),
    ),
    next: lsnSchema.nullable(),
  }),
)
