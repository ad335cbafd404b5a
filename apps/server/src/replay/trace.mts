import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { AppError } from '../app-error.mts'

/** Delete so many characters at a position, then insert a text there. UTF-16 units, as Y.Text counts. */
export type Patch = readonly [position: number, deleteCount: number, insert: string]

/** What one author did at once. */
export interface Transaction {
  readonly author: number
  /** Indexes of the transactions this one had seen, with all that those had seen; all below its own index. */
  readonly parents: readonly number[]
  /** Applied in order, each on the result of the one before it. */
  readonly patches: readonly Patch[]
}

/** An editing history of one text. */
export interface Trace {
  readonly startContent: string
  readonly endContent: string
  readonly authorCount: number
  readonly transactions: readonly Transaction[]
}

/** Unpacked bytes of a trace: the largest published ones are a tenth of this. */
const TRACE_BYTES_MAX = 512 * 1024 * 1024
/** One client each; a handful of people is what such histories have. */
const AUTHORS_MAX = 64

const count = z.int().min(0)
const patches = z.array(z.tuple([count, count, z.string()]))
const schema = z.object({
  startContent: z.string().default(''),
  endContent: z.string(),
  numAgents: z.int().min(1).max(AUTHORS_MAX).default(1),
  txns: z.array(z.object({ patches, agent: count.default(0), parents: z.array(count).optional() })).min(1),
})

/** Reads a gzipped trace. Throws {@link AppError} `usage` that says what about it is wrong. */
export function decodeTrace(gzipped: Uint8Array): Trace {
  const parsed = schema.safeParse(parseJson(gzipped))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw badTrace(`${issue?.path.join('.')}: ${issue?.message}`)
  }
  const { startContent, endContent, numAgents, txns } = parsed.data
  const transactions = txns.map(({ agent, parents, patches }, index) => {
    // A history of one author names no parents: each transaction had seen the one before.
    const seen = parents ?? (index === 0 ? [] : [index - 1])
    if (agent >= numAgents) throw badTrace(`txns.${index}: agent ${agent}, but numAgents is ${numAgents}`)
    if (seen.some((parent) => parent >= index)) throw badTrace(`txns.${index}: a parent that comes later`)
    for (const [, , insert] of patches) requireBasicPlane(insert, `txns.${index}`)
    return { author: agent, parents: seen, patches }
  })
  requireBasicPlane(startContent, 'startContent')
  return { startContent, endContent, authorCount: numAgents, transactions }
}

function parseJson(gzipped: Uint8Array): unknown {
  try {
    return JSON.parse(gunzipSync(gzipped, { maxOutputLength: TRACE_BYTES_MAX }).toString('utf8'))
  } catch (cause) {
    throw badTrace('it is not gzipped JSON', cause)
  }
}

/** Traces count code points, Y.Text counts UTF-16 units: the same only without surrogates. */
function requireBasicPlane(text: string, where: string): void {
  if (/[\uD800-\uDFFF]/.test(text)) throw badTrace(`${where}: characters above U+FFFF, whose positions count otherwise`)
}

function badTrace(why: string, cause?: unknown): AppError {
  return new AppError('usage', `that is no trace to replay: ${why}`, { cause })
}
