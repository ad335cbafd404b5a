import {
  CLAIM_LIMITS,
  type ClaimList,
  type ClaimProperty,
  type EntryShape,
  entryShape,
  ID_LENGTH_MAX,
  indexingRules,
  isMachineName,
  type Json,
  SOURCE_PRIORITY,
  statusShape,
} from '@joinery/blocks'
import { z } from 'zod'
import { fitsClaim, isBlockId, isClaimName } from './request-json.ts'
import { WORKSPACE_NAME } from './workspace-name.ts'

const LSN_MAX = 2 ** 48 - 1

export const lsnSchema = z.int().min(0).max(LSN_MAX).meta({ description: "position in the workspace's log" })
export const timeSchema = z.number().meta({ description: 'milliseconds since the epoch' })
export const sourceSchema = z.enum(Object.keys(SOURCE_PRIORITY) as [keyof typeof SOURCE_PRIORITY])
export const json = z.unknown().meta({ description: 'any JSON' }) as z.ZodType<Json>
export const name = z
  .string()
  .min(1)
  .max(CLAIM_LIMITS.nameLengthMax)
  .refine(isClaimName, 'is not a name: well-formed text other than __proto__')

export const workspaceName = z
  .string()
  .regex(WORKSPACE_NAME, '1 to 4 segments joined by "/", which is "%2F" in a path')
  .meta({
    examples: ['demo'],
  })
export const blockId = z
  .string()
  .min(1)
  .max(ID_LENGTH_MAX)
  .refine(isBlockId, 'is not a block id: it may hold no "/" and no control characters, and is not "__proto__"')
  .meta({ examples: ['intro'] })
export const edgeId = z
  .string()
  .min(1)
  .max(ID_LENGTH_MAX)
  .refine(isBlockId, 'is not an edge id: it may hold no "/" and no control characters, and is not "__proto__"')
  .meta({ examples: ['intro-next'] })
export const indexName = name.meta({ examples: ['main'] })
export const runId = name.meta({ examples: ['job-17'] })
/** Name of a machine. Whether the server has it is told by `unknown_machine`. */
export const machineName = z
  .string()
  .min(1)
  .max(80)
  .refine(isMachineName, 'is no machine: name and version, as "file@1"')
  .meta({ examples: ['file@1'] })
export const resourceName = name.meta({ examples: ['report.pdf'] })
/** Older documents may hold such names: they can still be reported on and removed. */
export const isReachable = (given: string): boolean => given !== '.' && given !== '..'
export const reachableRule = 'is "." or "..", which no URL can name: choose another'

const workspaceParams = z.object({ workspace: workspaceName })
export const params = {
  workspace: workspaceParams,
  block: workspaceParams.extend({ block: blockId }),
  edge: workspaceParams.extend({ edge: edgeId }),
  index: workspaceParams.extend({ block: blockId, index: indexName }),
  run: workspaceParams.extend({ block: blockId, index: indexName, run: runId }),
  status: workspaceParams.extend({ block: blockId, machine: machineName, name: resourceName }),
  statusRun: workspaceParams.extend({ block: blockId, machine: machineName, name: resourceName, run: runId }),
}

const claimValue = json.refine(
  fitsClaim,
  `has more than ${CLAIM_LIMITS.jsonLengthMax} characters or ${CLAIM_LIMITS.jsonDepthMax} levels`,
)
/** No limit here: it is configured, and checked where the configuration is known. */
const content = z.string()
const type = z.string().max(256)
const fields = z.record(name, claimValue)
const data = z.record(z.string().max(1_024), json)
/** A Quill delta that is a document. */
const delta = z
  .array(
    z.strictObject({
      insert: z.union([z.string(), z.record(z.string(), json)]),
      attributes: z.record(z.string(), json).optional(),
    }),
    { error: 'is no Quill delta of a document: send an array of inserts' },
  )
  .meta({ examples: [[{ insert: 'Hello', attributes: { bold: true } }, { insert: '.' }]] })

export const putBody = z
  .strictObject({
    type: type.optional().meta({ description: 'required when the block is created' }),
    content: content.optional().meta({ description: 'the whole text; only what differs is edited' }),
    delta: delta.optional().meta({
      description:
        'the whole content as a Quill delta, with its marks and embeds; only what differs is edited. Beside `content`, it has to have the same characters',
    }),
    fields: fields.optional().meta({ description: 'values that people and jobs write, each with its author' }),
    data: data.optional().meta({
      description:
        'what else the block holds. `{ "type": "Uint8Array", "base64": ... }` is bytes, `{ "type": "Y.Text", "delta": ... }` a text. XML reads as its text, and is left as it is by the same text',
    }),
  })
  .meta({ examples: [{ type: 'text', content: 'Hello.', fields: { count: 1 } }] })
export const patchBody = putBody.meta({
  description:
    'JSON merge patch (RFC 7396) over fields and data: null removes; content becomes the new text by the smallest edit',
  examples: [{ content: 'Hello again.', fields: { count: 2 } }],
})
export const edgeRule = 'is too large for an edge'
export const isEdgeFit = fitsClaim
export const putEdgeBody = z
  .strictObject({
    source: blockId,
    target: blockId,
    data: z
      .record(z.string().max(1_024), json)
      .refine((data) => !['id', 'source', 'target'].some((key) => Object.hasOwn(data, key)), 'names an end of its own')
      .optional()
      .meta({ description: 'what else the edge holds' }),
  })
  .refine(isEdgeFit, edgeRule)
  .meta({ examples: [{ source: 'intro', target: 'next', data: { label: 'then' } }] })
export const startRunBody = z
  .strictObject({
    status: z.enum(['notStarted', 'processing']).default('processing'),
    collectionConfigs: z.record(z.string(), json).refine(fitsClaim, 'is too large').optional(),
    runId: runId
      .refine(isReachable, reachableRule)
      .optional()
      .meta({ description: 'names the run; random when left out' }),
  })
  .meta({ examples: [{ runId: 'job-17' }] })

interface Reported {
  readonly status: string
  readonly error?: string | undefined
  readonly progress?: number | undefined
  readonly total?: number | undefined
}
export const errorRule = 'only a report with status "error" may have an error'
export function hasErrorRight({ status, error }: Reported): boolean {
  return error === undefined || status === 'error'
}
export const totalRule = 'a total needs a progress that is not greater'
export function hasTotalRight({ progress, total }: Pick<Reported, 'progress' | 'total'>): boolean {
  return total === undefined || (progress !== undefined && progress <= total)
}
export const amount = z.number().min(0).max(CLAIM_LIMITS.progressMax)
export const reportBody = z
  .strictObject({
    status: z.enum(['notStarted', 'processing', 'done', 'error']),
    error: z.string().max(CLAIM_LIMITS.errorLengthMax).optional(),
    chunks: z.int().min(0).max(CLAIM_LIMITS.countMax).optional().meta({ description: 'how many are indexed so far' }),
    progress: amount
      .optional()
      .meta({ description: 'how far the run is: a count, or without a total a fraction below 1' }),
    total: amount.positive().optional().meta({ description: 'the count at which the run is complete' }),
    started: z
      .strictObject({ no: z.int().min(1).max(CLAIM_LIMITS.countMax), source: sourceSchema })
      .optional()
      .meta({
        description:
          "number and source of the run, as the answer to its start has them: with them, a report that comes after another run's start is recorded",
      }),
  })
  .refine(hasErrorRight, errorRule)
  .refine(hasTotalRight, totalRule)
  .meta({ examples: [{ status: 'processing', progress: 3, total: 10 }] })

/** Makes a schema that depends on the lists of claims, once for each table of lists. */
export function forLists<S extends z.ZodType>(
  make: (lists: readonly ClaimList[]) => S,
): (lists: readonly ClaimList[]) => S {
  const made = new WeakMap<readonly ClaimList[], S>()
  return (lists) => {
    const known = made.get(lists)
    if (known !== undefined) return known
    const schema = make(lists)
    made.set(lists, schema)
    return schema
  }
}

const PROPERTY_SCHEMAS: Readonly<Record<ClaimProperty['kind'], z.ZodType>> = {
  json: z.record(z.string(), json).optional(),
  text: z.string().optional(),
  count: z.int().optional(),
  amount: z.number().optional(),
}

export function entrySchema({ key, statuses, sources, properties }: EntryShape) {
  const source = z.enum(sources)
  const optional = Object.entries(properties).map(([name, { kind }]) => [name, PROPERTY_SCHEMAS[kind]] as const)
  return z.object({
    [key]: z.string(),
    run: z.object({ no: z.int(), id: z.string(), source }),
    status: z.enum(statuses),
    source,
    actor: z.string(),
    at: timeSchema,
    ...Object.fromEntries(optional),
  })
}

/** Schema of one list of claims in a block. */
function listSchema(list: ClaimList): z.ZodType {
  const shape = entryShape(list)
  return shape === 'value' ? z.record(z.string(), json) : z.array(entrySchema(shape))
}

/** The entries of each list that differ between two states of a block. */
export function differencesOf(lists: readonly ClaimList[]): Record<string, z.ZodType> {
  const schemas = lists.map((list) => {
    const { told } = list
    const shape = entryShape(list)
    const side = shape === 'value' ? z.unknown().nullable() : entrySchema(shape).nullable()
    return [told.list, z.array(z.object({ [told.key]: z.string(), before: side, after: side }))] as const
  })
  return Object.fromEntries(schemas)
}
export const updatedBySchema = z.object({ source: z.string(), actor: z.string(), at: timeSchema })
export const blockSchema = forLists((lists) =>
  z.object({
    id: z.string(),
    type: z.string(),
    content: z.string(),
    ...Object.fromEntries(lists.map((list) => [list.part, listSchema(list)])),
    data: z.record(z.string(), json),
    version: lsnSchema.meta({ description: 'LSN of the last record that touched the block' }),
    updatedBy: updatedBySchema.nullable(),
  }),
)
/** A block as `?as=delta` answers it. */
export const richBlockSchema = forLists((lists) =>
  blockSchema(lists).extend({
    delta: delta.optional().meta({
      description:
        'With `as=delta`: the content as a Quill delta, with its marks and embeds. An embed that is no object is the `value` of one.',
    }),
  }),
)
export const edgeSchema = z
  .object({
    id: z.string(),
    source: z.string(),
    target: z.string(),
    data: z.record(z.string(), json),
    version: lsnSchema.meta({ description: 'LSN of the last record that wrote the edge' }),
    updatedBy: updatedBySchema.nullable(),
  })
  .meta({ id: 'Edge' })
const indexEntry = entrySchema(statusShape(indexingRules))
export const indexedSchema = z.object({ entry: indexEntry, version: lsnSchema, shown: z.boolean() }).meta({
  id: 'IndexReport',
  description: 'The entry that the index shows now. `shown` is true when this request wrote it.',
})
export const recordSchema = z
  .object({
    lsn: lsnSchema,
    at: timeSchema,
    actor: z.string(),
    source: z.string(),
    connection: z.string(),
    mayBeOthers: z
      .boolean()
      .meta({ description: 'true when the edits may be others’ than the actor’s, who sent them' }),
    touched: z.array(z.string()),
    fields: z.array(z.string()).meta({ description: 'names of the fields that were set, up to eight' }),
    writes: z.boolean().meta({ description: 'false for a record that deleted, and wrote nothing' }),
    bytes: z.int(),
  })
  .meta({ id: 'Record' })
export const errorSchema = z
  .object({
    error: z.object({ code: z.string(), message: z.string(), details: json.optional() }),
    current: z
      .unknown()
      .optional()
      .meta({ description: 'the block or edge as it is now, after a failed precondition' }),
  })
  .meta({ id: 'Error' })

/** Entries of one page: with blocks of the usual size, an answer stays well below a megabyte. */
const PAGE_ENTRIES_MAX = 1_000
/** Reads digits only: an empty parameter is a mistake, not a zero. */
const ofDigits = <S extends z.ZodType>(schema: S) =>
  z.preprocess((value) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value), schema)
export const limitQuery = ofDigits(z.int().min(1).max(PAGE_ENTRIES_MAX)).default(100)
export const lsnQuery = ofDigits(z.int().min(0).max(LSN_MAX))
const instant = z.iso.datetime({ offset: true })
/** An LSN, or a time as RFC 3339. */
export const pointQuery = z
  .string()
  .refine(
    (text) => /^\d{1,15}$/.test(text) || instant.safeParse(text).success,
    'is neither an LSN nor an RFC 3339 time: in a query, send "+" as %2B',
  )
  .meta({ description: 'an LSN, or a time as RFC 3339', examples: ['1'] })
export const timeQuery = instant.meta({ description: 'a time as RFC 3339' })

/** The token of a stream of events, in its query. */
export const streamToken = z
  .string()
  .optional()
  .meta({ description: 'the token of callers that can not set headers, such as EventSource' })

/** The headers of a stream of events. */
export const streamHeaders = z.object({
  'last-event-id': lsnQuery
    .optional()
    .meta({ description: 'the same as `after`, and stronger: an EventSource that reconnects sends it' }),
})
