import {
  type AdoptingLog,
  decodeLogOrigin,
  decodePortableRecords,
  encodeLogOrigin,
  encodePortableRecord,
  LogError,
  type Lsn,
  type SteadyClock,
} from '@joinery/log'
import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { HistoryError } from '../history/history-error.ts'
import { joinOrigin, splitOrigin } from '../history/origin-body.ts'
import type { ReplicaLog } from '../history/replica-log.ts'
import type { FoundCopies } from '../history/takeover.ts'
import { fromBytes, toBytes } from '../nodes/json-value.ts'
import type { NodeInfo, Nodes } from '../nodes/nodes.ts'
import type { ReplicatedStore } from './replicated-store.ts'

/** Time that another node has to answer, ms. One that is slower counts as one that does not live. */
const ANSWER_MS = 1_500
/** Time for one slice of records, ms. */
const SLICE_MS = 10_000
/** Time for which a run that did not answer is asked nothing more, ms. */
const SILENT_MS = 5_000
/** Bytes of records that are encoded at once, unless one record alone has more. */
const RUN_BYTES = 512 * 1024
/** Bytes of one answer. */
const SLICE_BYTES = 700 * 1024
/** Place before the first record, where the beginning of a log is that has dropped records. */
const BEGINNING = -1

const question = z.union([
  /** Where the node's copy ends. `end` is the last record that the engine has; `at` asks for the chain value of a record. */
  z.object({ workspace: z.string(), end: z.number(), at: z.number().optional(), cluster: z.string().optional() }),
  /** A slice of the records after `after`. */
  z.object({ workspace: z.string(), after: z.number(), offset: z.number() }),
])
type Question = z.infer<typeof question>

const copyEnd = z.object({
  /** LSN of the last record that is kept, whatever other histories have. */
  floor: z.number(),
  firstLsn: z.number(),
  generation: z.string(),
  /** Chain value of the record at `at`, or else at the floor. */
  chain: z.string(),
  /** Generations of this log that were purged, as the node knows. */
  purged: z.array(z.string()).optional(),
})
type CopyEnd = z.infer<typeof copyEnd>
/** The answer of a node that knows of purges, and has no copy which is longer than the history of the engine. */
const NO_COPY: CopyEnd = { floor: 0, firstLsn: 1, generation: '', chain: '' }
type NodeCopy = readonly [node: string, copy: CopyEnd]

/** Answers of a node that has no copy, or none that is longer than the engine's, and of one whose copy is in use. */
const NOTHING = new Uint8Array()
const BUSY = toBytes('busy')

/** Stands before each slice of a run of records: the bytes of the whole run, and whether the log's beginning goes before it. */
const runHead = z.object({ bytes: z.number(), hasOrigin: z.boolean() })

/**
 * Answers what other nodes of the cluster ask about this node's copies when they take over. Returns a function that ends that. A node of
 * another cluster gets nothing: its engine may be the one that this node was told by mistake.
 */
export function answerCopies(engine: Engine, node: string, store: ReplicatedStore, cluster?: string): () => void {
  return engine.bus.respond(topicOf(node), async (bytes) => {
    const asked = fromBytes(question, bytes)
    if (asked === undefined) return NOTHING
    if ('end' in asked && asked.cluster !== cluster) return NOTHING
    const purged = 'end' in asked ? store.purgedOf(asked.workspace) : []
    const withPurges = (copy: CopyEnd | undefined): Uint8Array => {
      if (copy === undefined && purged.length === 0) return NOTHING
      return toBytes({ ...(copy ?? NO_COPY), ...(purged.length > 0 && { purged }) })
    }
    try {
      const answer = await store.withCopy(asked.workspace, async (log) =>
        'end' in asked ? withPurges(await endOf(log, asked)) : await sliceOf(log, asked),
      )
      return answer ?? withPurges(undefined)
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      // A copy that is deleted, damaged or closed gives nothing. One that is in use for a moment must not be passed over.
      return error.code === 'locked' ? BUSY : withPurges(undefined)
    }
  })
}

async function endOf(
  log: AdoptingLog,
  { end, at }: { end: number; at?: number | undefined },
): Promise<CopyEnd | undefined> {
  // The engine has lost records: which of those above the floor were acknowledged can't be known.
  if ((await log.readFloor()) > end && log.head > end) await log.protect()
  const { firstLsn, generation } = log
  const floor = await log.readFloor()
  // A copy that is not longer is of no use. Its chain value would be computed and written to the disk at every opening of a log.
  const isUseless = at === undefined && floor <= end
  if (generation === undefined || isUseless) return undefined
  return { floor, firstLsn, generation, chain: await log.chainAt((at ?? floor) as Lsn) }
}

async function sliceOf(log: AdoptingLog, { after, offset }: { after: number; offset: number }): Promise<Uint8Array> {
  const origin = after === BEGINNING ? await log.readOrigin() : undefined
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const record of log.read({ after: (origin?.lsn ?? Math.max(0, after)) as Lsn })) {
    const encoded = encodePortableRecord(record)
    const part = parts.length === 0 && origin ? joinOrigin(await encodeLogOrigin(origin), encoded) : encoded
    if (parts.length > 0 && bytes + part.byteLength > RUN_BYTES) break
    parts.push(part)
    bytes += part.byteLength
    if (origin !== undefined) break
  }
  const head = toBytes({ bytes, hasOrigin: origin !== undefined } satisfies z.infer<typeof runHead>)
  return joinOrigin(head, Buffer.concat(parts).subarray(offset, offset + SLICE_BYTES))
}

export interface OtherCopiesOptions {
  readonly engine: Engine
  readonly nodes: Nodes
  readonly clock: SteadyClock
  /** Id of the cluster, which a node that gives records has, too. */
  readonly cluster?: string | undefined
  /**
   * Nodes whose answers are needed for a log of which the engine has nothing, since its data is lost and they may have all of it. Rejects if
   * the log must not be opened yet.
   */
  readonly needed?: (workspace: string) => Promise<readonly string[]>
  /** Generations of a log that were purged, as the engine and this node know. By default nothing was. */
  readonly purged?: (workspace: string) => Promise<ReadonlySet<string>>
}

/** The copies that other living nodes have, for a takeover of a history of which the engine may have lost a part. */
export class OtherCopies {
  readonly #options: OtherCopiesOptions
  /** Runs that did not answer, and the time until which they are asked nothing, ms of the monotonic clock. */
  readonly #silent = new Map<string, number>()

  constructor(options: OtherCopiesOptions) {
    this.#options = options
  }

  /**
   * Asks all living nodes for a copy that has acknowledged records after `end`, the last one that the engine has. Resolves with what
   * appends them to this node's copy, if anybody has any, and with the generations that were purged: no copy of these counts. Rejects with
   * `awaited` if a node gives no answer that is needed.
   */
  async longerThan(workspace: string, end: number): Promise<FoundCopies> {
    const { ends, purged, silent } = await this.#askAll(workspace, end)
    if (silent !== undefined) {
      const reason = `the engine has lost all data, and node ${silent} does not say what it has of this log: it is asked again`
      throw new HistoryError('awaited', workspace, 0, reason)
    }
    const longer = ends
      .filter(([, { floor, generation }]) => floor > end && !purged.has(generation))
      .toSorted(([, a], [, b]) => b.floor - a.floor)
    const bring = longer.length === 0 ? undefined : (local: ReplicaLog) => this.#bring(workspace, longer, local)
    return { bring, purged }
  }

  /** The generations of a log that any living node calls purged. Rejects with `unavailable` if a node gives no answer that is needed. */
  async purgedOf(workspace: string): Promise<ReadonlySet<string>> {
    const { purged, silent } = await this.#askAll(workspace, 0)
    if (silent === undefined) return purged
    throw new EngineError('unavailable', `node ${silent} does not say what it knows of ${workspace}: it is asked again`)
  }

  async #askAll(workspace: string, end: number) {
    const { nodes, needed, purged: ask } = this.#options
    const awaited = (end === 0 && (await needed?.(workspace))) || []
    const others = nodes
      .list()
      .filter(({ node, session }) => node !== nodes.self.node && (awaited.includes(node) || !this.#isSilent(session)))
    const [answers, known] = await Promise.all([
      Promise.all(others.map(async (other) => [other.node, await this.#endOf(other, { workspace, end })] as const)),
      ask?.(workspace),
    ])
    const answered = new Set(answers.flatMap(([node, copy]) => (copy === 'silent' ? [] : [node])))
    const ends = answers.flatMap(([node, copy]): NodeCopy[] => (typeof copy === 'object' ? [[node, copy]] : []))
    const purged = new Set([...(known ?? []), ...ends.flatMap(([, copy]) => copy.purged ?? [])])
    return { ends, purged, silent: awaited.find((node) => !answered.has(node)) }
  }

  /** Rejects with `diverged` if acknowledged records of two copies differ: all copies stay as they are then. */
  async #bring(workspace: string, longer: readonly NodeCopy[], local: ReplicaLog): Promise<void> {
    const [longest, ...rest] = longer
    if (longest === undefined) return
    const [node, { floor, firstLsn, generation }] = longest
    const chainThere = async (at: number): Promise<string | undefined> =>
      (await this.#ask(node, { workspace, end: local.mark.lsn, at }))?.chain
    for (const [other, copy] of rest) {
      if (copy.generation === generation && (await chainThere(copy.floor)) === copy.chain) continue
      throw departed(workspace, local, `nodes ${node} and ${other} have different records up to ${copy.floor}`)
    }
    const isOther = local.head > 0 && local.generation !== generation
    const isSame = async (at: number): Promise<boolean> =>
      at === 0 || (!isOther && at <= floor && (await chainThere(at)) === (await local.chainAt(at)))
    if (local.floor >= floor) {
      if (!isOther && (await local.chainAt(floor)) === longest[1].chain) return
      throw departed(workspace, local, `node ${node} has other records up to ${floor} than this one`)
    }
    // Records that this node alone has were not acknowledged above the floor.
    const base = (await isSame(local.head)) ? local.head : Math.max(local.floor, local.mark.lsn)
    if (!(await isSame(base)))
      throw departed(workspace, local, `node ${node} has other records up to ${base} than this one`)
    if (base > 0 && base < firstLsn - 1)
      throw departed(workspace, local, `node ${node} has dropped the records between ${base} and ${firstLsn}`)
    await local.truncate(base)
    await this.#fetch(node, workspace, local, generation, floor)
  }

  async #fetch(node: string, workspace: string, local: ReplicaLog, generation: string, end: number): Promise<void> {
    const { mark } = local
    for (let after = local.head === 0 ? BEGINNING : local.head; after < end; after = local.head) {
      const { bytes, hasOrigin } = await this.#run(node, workspace, after)
      const split = hasOrigin ? splitOrigin(bytes) : undefined
      const origin = split && (await decodeLogOrigin(workspace, split.origin))
      const records = decodePortableRecords(workspace, split?.record ?? bytes)
      if (records.length === 0) throw unanswered(node, workspace)
      await local.adopt(records, { ...mark, generation }, origin)
    }
    // The engine does not know the generation yet, if it has no record.
    await local.adopt([], mark)
    await local.protect()
  }

  /** The encoded records after a place, put together from slices. */
  async #run(node: string, workspace: string, after: number): Promise<{ bytes: Uint8Array; hasOrigin: boolean }> {
    const slices: Uint8Array[] = []
    for (let offset = 0; ; ) {
      const answer = await this.#options.engine.bus.request(
        topicOf(node),
        toBytes({ workspace, after, offset }),
        SLICE_MS,
      )
      const split = splitOrigin(answer)
      const head = split && fromBytes(runHead, split.origin)
      if (split === undefined || head === undefined) throw unanswered(node, workspace)
      slices.push(split.record)
      offset += split.record.byteLength
      if (offset >= head.bytes) return { bytes: Buffer.concat(slices), hasOrigin: head.hasOrigin }
      if (split.record.byteLength === 0) throw unanswered(node, workspace)
    }
  }

  async #endOf({ node, session }: NodeInfo, asked: Question): Promise<CopyEnd | 'silent' | undefined> {
    try {
      return await this.#ask(node, asked)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      const { clock } = this.#options
      if (error.code === 'unavailable') this.#silent.set(session, clock.monotonicMs() + SILENT_MS)
      return 'silent'
    }
  }

  async #ask(node: string, asked: Question): Promise<CopyEnd | undefined> {
    const { engine, cluster } = this.#options
    const answer = await engine.bus.request(topicOf(node), toBytes({ ...asked, cluster }), ANSWER_MS)
    if (Buffer.compare(answer, BUSY) === 0)
      throw new LogError('locked', `the copy of node ${node} is in use: try again`)
    return fromBytes(copyEnd, answer)
  }

  #isSilent(session: string): boolean {
    const untilMs = this.#silent.get(session)
    if (untilMs === undefined) return false
    if (untilMs > this.#options.clock.monotonicMs()) return true
    this.#silent.delete(session)
    return false
  }
}

function unanswered(node: string, workspace: string): EngineError {
  return new EngineError('unavailable', `node ${node} does not give its records of ${workspace} now: it is asked again`)
}

function departed(workspace: string, { mark }: ReplicaLog, reason: string): HistoryError {
  const advice =
    'all are kept: stop the node whose records are not wanted, keep its data directory, and start it with an empty one'
  return new HistoryError('diverged', workspace, mark.sequence, `the engine has lost records, and ${reason}; ${advice}`)
}

function topicOf(node: string): string {
  return `jy.node.${node}.copies`
}
