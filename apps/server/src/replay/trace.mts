import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { AppError } from '../app-error.mts'

/** A change to a text: delete characters at a position, then insert a text there. In UTF-16 units, as Y.Text counts. */
export type Patch = readonly [position: number, deleteCount: number, insert: string]

/** Changes that one author made at once. */
export interface Transaction {
  readonly author: number
  /** Indexes of the transactions that this one had seen, with all that they had seen; all are below its own index. */
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

/** Upper bound of an unpacked trace: ten times the largest published one. */
const TRACE_BYTES_MAX = 512 * 1024 * 1024
/** Upper bound of authors, each of which needs a client. Published histories have a handful. */
const AUTHORS_MAX = 64

const count = z.int().min(0)
const patches = z.array(z.tuple([count, count, z.string()]))
const schema = z.object({
  startContent: z.string().default(''),
  endContent: z.string(),
  numAgents: z.int().min(1).max(AUTHORS_MAX).default(1),
  txns: z.array(z.object({ patches, agent: count.default(0), parents: z.array(count).optional() })).min(1),
})

/** Decodes a gzipped trace. Throws {@link AppError} `usage` that says where it is wrong. */
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
    if (seen.some((parent) => parent >= index)) throw badTrace(`txns.${index}: its parents must have a smaller index`)
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
    throw badTrace('it must be gzipped JSON', cause)
  }
}

/** Throws unless a text is without surrogates. Traces count code points and Y.Text counts UTF-16 units: only then are these equal. */
function requireBasicPlane(text: string, where: string): void {
  if (/[\uD800-\uDFFF]/.test(text))
    throw badTrace(`${where}: characters above U+FFFF are not supported, because Yjs counts them as two`)
}

function badTrace(why: string, cause?: unknown): AppError {
  return new AppError('usage', `that is no trace to replay: ${why}`, { cause })
}
