import { type AdoptingLog, isSystemLog, LogError, type Lsn } from '@joinery/log'
import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { isDeletion } from '../history/message.ts'
import { type Position, positionOf, START } from '../history/position.ts'
import { fromBytes, toBytes } from '../nodes/json-value.ts'
import { engineNameOf, nameOfEngineName } from '../nodes/names.ts'
import { firstOther } from './first-other.ts'
import type { ReplicatedStore } from './replicated-store.ts'

/** Time that a node has to answer for one log, ms. */
const ANSWER_MS = 30_000

const headOfLog = z.object({
  /** LSN of the last record; 0 for a log that the node does not have. */
  lsn: z.number(),
  /** LSN of the first record that was not dropped. */
  firstLsn: z.number().optional(),
  /** Place, epoch and chain value of the last message of the history that the log agrees with. */
  sequence: z.number(),
  epoch: z.number(),
  markLsn: z.number(),
  markChain: z.string(),
  /** Chain value of the record at `through`, or undefined if the log does not reach it. */
  chain: z.string().optional(),
  /** Digest of the document that the records through `through` make, as the caller's `digest` gives it. */
  digest: z.string().optional(),
  /** True if the workspace is deleted on the node. */
  isDeleted: z.boolean().optional(),
  /** The reason why the log can't be read. */
  error: z.string().optional(),
})
const question = z.object({ workspace: z.string(), through: z.number().optional(), digests: z.boolean().optional() })

type Question = z.infer<typeof question>
type HeadOfLog = Readonly<z.infer<typeof headOfLog>>

/** Makes a digest of the document that records make: equal for equal documents alone. */
type Digest = (log: AdoptingLog, through: Lsn) => Promise<string>

/** How one node's copy of a log stands to the history. */
export interface CheckedCopy {
  readonly node: string
  readonly lsn: number
  readonly epoch: number
  readonly state: 'equal' | 'behind' | 'diverged' | 'unreadable' | 'silent'
  /** `behind`: records that it lacks. */
  readonly lacks?: number
  /** `diverged`: the first record that is another one than on the other nodes, as far as that can be told. */
  readonly divergedAt?: number
  readonly reason?: string
}

/** One log, as the engine and each node have it. */
export interface CheckedLog {
  readonly workspace: string
  /** End of the history on the engine. */
  readonly epoch: number
  readonly lsn: number
  readonly chain: string
  readonly copies: readonly CheckedCopy[]
}

export interface CheckOptions {
  /** Logs to look at; by default all that the engine has. */
  readonly workspaces?: Iterable<string>
  /** Has each node make the documents, and compares their digests. It reads all records. */
  readonly digests?: boolean
}

/** Answers what other nodes ask about this node's logs. Returns a function that ends that. */
export function answerChecks(engine: Engine, node: string, store: ReplicatedStore, digest: Digest | undefined) {
  return engine.bus.respond(topicOf(node), async (bytes) => {
    const asked = fromBytes(question, bytes)
    if (asked === undefined) return toBytes({ ...NOTHING, error: 'this version does not know the question' })
    return toBytes(await headOf(store, asked, digest))
  })
}

const OTHER_RECORDS = 'its records are others than those of other nodes'
const NOTHING: HeadOfLog = { lsn: 0, sequence: 0, epoch: 0, markLsn: 0, markChain: START.chain }

async function headOf(store: ReplicatedStore, asked: Question, digest: Digest | undefined): Promise<HeadOfLog> {
  const { workspace } = asked
  const own = store.owned.get(workspace)
  try {
    if (own !== undefined && !own.isFenced) {
      const { sequence, epoch, lsn, chain } = own.position
      const told = await describe(own.inner, asked, lsn, digest)
      return { ...told, lsn: own.head, sequence, epoch, markLsn: lsn, markChain: chain }
    }
    return (await store.withCopy(workspace, (log) => describe(log, asked, log.head, digest))) ?? NOTHING
  } catch (error) {
    if (error instanceof LogError && error.code === 'deleted') return { ...NOTHING, isDeleted: true }
    return { ...NOTHING, error: error instanceof Error ? error.message : String(error) }
  }
}

async function describe(
  log: AdoptingLog,
  { workspace, through, digests }: Question,
  last: number,
  digest: Digest | undefined,
) {
  const { sequence, epoch, lsn: markLsn, chain: markChain } = (await log.readMark()) ?? START
  const at = Math.min(through ?? last, last) as Lsn
  const isReached = through === undefined || through <= log.head
  const chain = isReached ? { chain: await log.chainAt(at) } : {}
  // The records of a system log make no document.
  const hasDocument = isReached && !isSystemLog(workspace)
  const made = digests === true && digest !== undefined && hasDocument ? { digest: await digest(log, at) } : {}
  return { lsn: log.head, firstLsn: log.firstLsn, sequence, epoch, markLsn, markChain, ...chain, ...made }
}

/**
 * Compares each node's copy of each log with the history on the engine, and the copies with each other. Edits may go on: a copy that is
 * only late is `behind`. Rejects with the engine's errors.
 */
export async function* checkLogs(
  engine: Engine,
  nodes: readonly string[],
  options: CheckOptions = {},
): AsyncGenerator<CheckedLog> {
  const { workspaces = (await engine.log.subjects()).map(nameOfEngineName), digests = false } = options
  for (const workspace of workspaces) yield await checkLog(engine, nodes, workspace, digests)
}

async function checkLog(
  engine: Engine,
  nodes: readonly string[],
  workspace: string,
  digests: boolean,
): Promise<CheckedLog> {
  const last = await engine.log.last(engineNameOf(workspace))
  const position = last === undefined ? START : positionOf(workspace, last)
  const end: End = { ...position, isDeleted: isDeletion(last?.headers['Jy-Kind']) }
  const ask = (node: string, more: Omit<Question, 'workspace'>) => askHead(engine, node, { workspace, ...more })
  const heads = new Map<string, HeadOfLog | undefined>()
  await Promise.all(nodes.map(async (node) => heads.set(node, await ask(node, { through: end.lsn, digests }))))
  const reference = referenceOf([...heads.values()], end)
  const witness = [...heads].find(([, head]) => head !== undefined && head === reference)?.[0]
  const copies = await Promise.all(
    Array.from(heads, async ([node, head]) => {
      const found = judge(node, head, end, reference)
      if (witness === undefined || head === undefined) return found
      const through = found.state === 'behind' ? head.markLsn : end.lsn
      const isAsked = found.state === 'diverged' || (found.state === 'behind' && through > 0)
      const divergedAt = isAsked ? await whereOther(ask, node, witness, through) : undefined
      if (divergedAt === undefined) return found
      const reason = found.reason ?? OTHER_RECORDS
      return { node, lsn: found.lsn, epoch: found.epoch, state: 'diverged' as const, divergedAt, reason }
    }),
  )
  const { epoch, lsn, chain } = end
  return { workspace, epoch, lsn, chain, copies: copies.toSorted((a, b) => (a.node < b.node ? -1 : 1)) }
}

/** The end of a history, and whether that is the deletion of the workspace. */
interface End extends Position {
  readonly isDeleted: boolean
}

/** The copy that the others are compared with: one that has all of the history, and the chain value that most of these have. */
function referenceOf(heads: readonly (HeadOfLog | undefined)[], end: End) {
  const whole = heads.filter((head) => {
    const { sequence = 0, markChain, chain } = head ?? {}
    // One that has more by now was read later than the engine.
    return chain !== undefined && (sequence > end.sequence || markChain === end.chain)
  })
  const byChain = Map.groupBy(whole, (head) => `${head?.chain} ${head?.digest}`)
  const [largest] = [...byChain.values()].toSorted((a, b) => b.length - a.length)
  return largest?.[0]
}

function judge(node: string, head: HeadOfLog | undefined, end: End, reference: HeadOfLog | undefined): CheckedCopy {
  if (head === undefined) return { node, lsn: 0, epoch: 0, state: 'silent', reason: 'the node does not answer' }
  const { lsn, epoch, markLsn, error, isDeleted = false } = head
  if (error !== undefined) return { node, lsn, epoch, state: 'unreadable', reason: error }
  if (isDeleted && end.isDeleted) return { node, lsn: end.lsn, epoch: end.epoch, state: 'equal' }
  // A log that nobody has made has no record, and keeps no mark.
  if (end.generation === undefined && lsn === 0 && !isDeleted) return { node, lsn, epoch: end.epoch, state: 'equal' }
  if (end.isDeleted || head.sequence < end.sequence)
    return { node, lsn, epoch, state: 'behind', lacks: Math.max(0, end.lsn - markLsn) }
  if (head.sequence === end.sequence && head.markChain !== end.chain) {
    return { node, lsn, epoch, state: 'diverged', reason: 'it agrees with another history than the engine has' }
  }
  if (head.chain !== reference?.chain) {
    return { node, lsn, epoch, state: 'diverged', reason: OTHER_RECORDS }
  }
  if (head.digest !== reference?.digest) {
    return { node, lsn, epoch, state: 'diverged', reason: 'its records make another document than on other nodes' }
  }
  return { node, lsn, epoch, state: 'equal' }
}

/** The first record up to `lsn` whose chain values differ on two nodes; undefined if none does, or that can't be told. */
async function whereOther(
  ask: (node: string, asked: { through: number }) => Promise<HeadOfLog | undefined>,
  node: string,
  other: string,
  lsn: number,
): Promise<number | undefined> {
  // Values of dropped records are not kept.
  let dropped = 0
  const isSame = async (through: number): Promise<boolean | undefined> => {
    const [mine, theirs] = await Promise.all([ask(node, { through }), ask(other, { through })])
    if (mine?.error !== undefined || theirs?.chain === undefined) return undefined
    dropped = Math.max(dropped, (mine?.firstLsn ?? 1) - 1, (theirs.firstLsn ?? 1) - 1)
    return mine?.chain === theirs.chain
  }
  if ((await isSame(lsn)) !== false) return undefined
  return await firstOther(isSame, { same: dropped, other: lsn })
}

async function askHead(engine: Engine, node: string, asked: Question): Promise<HeadOfLog | undefined> {
  try {
    return fromBytes(headOfLog, await engine.bus.request(topicOf(node), toBytes(asked), ANSWER_MS))
  } catch (error) {
    if (error instanceof EngineError && (error.code === 'no_responders' || error.code === 'unavailable'))
      return undefined
    throw error
  }
}

function topicOf(node: string): string {
  return `jy.node.${node}.heads`
}
